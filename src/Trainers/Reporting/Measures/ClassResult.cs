namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>How one class fared.</summary>
/// <param name="Name">The class.</param>
/// <param name="Support">The tested images of the class.</param>
/// <param name="Predicted">The images that were given to the class.</param>
/// <param name="Correct">The images that were given to it rightly.</param>
internal sealed record ClassResult(string Name, long Support, long Predicted, long Correct)
{
    /// <summary>Gets the share of the images given to the class that belong to it; 0 where none was.</summary>
    public double Precision => Predicted == 0 ? 0 : (double)Correct / Predicted;

    /// <summary>Gets the share of the class's images that were given to it; 0 where it has none.</summary>
    public double Recall => Support == 0 ? 0 : (double)Correct / Support;

    /// <summary>Gets the harmonic mean of precision and recall.</summary>
    public double F1 => Support + Predicted == 0 ? 0 : 2.0 * Correct / (Support + Predicted);
}
