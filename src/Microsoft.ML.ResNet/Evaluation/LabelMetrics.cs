namespace Microsoft.ML.ResNet;

/// <summary>How well a network tells one label, where an image has any number of them.</summary>
/// <param name="Name">The label.</param>
/// <param name="Support">The images that have it.</param>
/// <param name="Predicted">The images for which it was predicted: those whose probability is above the threshold.</param>
/// <param name="TruePositives">The images that have it, and for which it was predicted.</param>
/// <param name="AveragePrecision">
/// The area under the curve of precision and recall, in steps: the mean precision at the ranks of the images that have it. It does not
/// depend on the threshold. Not a number where no image has it.
/// </param>
/// <param name="AreaUnderRocCurve">
/// How likely it is that an image that has the label gets a higher probability than one that has it not. It does not depend on the
/// threshold. Not a number where no image has it, or all have.
/// </param>
public sealed record LabelMetrics(
    string Name, long Support, long Predicted, long TruePositives, double AveragePrecision, double AreaUnderRocCurve)
{
    /// <summary>Gets the share of the images for which the label was predicted that have it.</summary>
    /// <value>0 where it was never predicted.</value>
    public double Precision => Share(TruePositives, Predicted);

    /// <summary>Gets the share of the images with the label for which it was predicted.</summary>
    /// <value>0 where no image has it.</value>
    public double Recall => Share(TruePositives, Support);

    /// <summary>Gets the harmonic mean of precision and recall.</summary>
    /// <value>0 where no image has the label and it was never predicted.</value>
    public double F1Score => Share(2 * TruePositives, Predicted + Support);

    internal static double Share(long part, long whole) => whole == 0 ? 0 : (double)part / whole;
}
