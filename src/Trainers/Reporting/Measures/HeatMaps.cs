namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>Where in an image a network saw two classes: the image, with heat over it.</summary>
/// <param name="Predicted">Where it saw the class it chose.</param>
/// <param name="Class">Where it saw the image's own class.</param>
internal sealed record HeatMaps(Thumbnail Predicted, Thumbnail Class);
