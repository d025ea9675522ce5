namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>
/// Colours for heat: "viridis" by Eric Firing, Nathaniel Smith and Stéfan van der Walt (CC0, https://bids.github.io/colormap). It is
/// perceptually uniform: equal steps of heat look equally large, in print and to the colour-blind too. Its violet, teal and yellow are rare
/// in photographs; a map from red to yellow cannot be seen on orange ones.
/// </summary>
internal static class HeatColors
{
    // The map at 0, 1/9, 2/9, … 1, as 0xRRGGBB.
    private static readonly int[] Stops =
        [0x440154, 0x482878, 0x3E4A89, 0x31688E, 0x26828E, 0x1F9E89, 0x35B779, 0x6DCD59, 0xB4DE2C, 0xFDE725];

    /// <summary>Gets the colour of a heat from 0 to 1, each component from 0 to 255.</summary>
    public static (double Red, double Green, double Blue) At(double heat)
    {
        var position = heat * (Stops.Length - 1);
        var below = Math.Clamp((int)position, 0, Stops.Length - 2);
        return (Between(16), Between(8), Between(0));

        double Between(int shift) => double.Lerp((Stops[below] >> shift) & 0xFF, (Stops[below + 1] >> shift) & 0xFF, position - below);
    }
}
