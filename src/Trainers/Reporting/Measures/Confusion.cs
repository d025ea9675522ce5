namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>Images of one class that were given to another.</summary>
/// <param name="Class">The index of their class.</param>
/// <param name="Predicted">The index of the class they were given to.</param>
/// <param name="Count">How many they are.</param>
internal sealed record Confusion(int Class, int Predicted, long Count);
