namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>
/// Colours for heat: "inferno" by Nathaniel Smith and Stéfan van der Walt (CC0, https://bids.github.io/colormap), which is perceptually uniform:
/// equal steps of heat look equally large, in print and to the colour-blind too.
/// </summary>
internal static class HeatColors
{
    // The map at 0, 1/9, 2/9, … 1, as 0xRRGGBB.
    private static readonly int[] Stops = [0x000004, 0x1B0C42, 0x4B0C6B, 0x781C6D, 0xA52C60, 0xCF4446, 0xED6925, 0xFB9A06, 0xF7D03C, 0xFCFFA4];

    /// <summary>Gets the colour of a heat from 0 to 1, each component from 0 to 255.</summary>
    public static (double Red, double Green, double Blue) At(double heat)
    {
        var position = heat * (Stops.Length - 1);
        var below = Math.Clamp((int)position, 0, Stops.Length - 2);
        return (Between(16), Between(8), Between(0));

        double Between(int shift) => double.Lerp((Stops[below] >> shift) & 0xFF, (Stops[below + 1] >> shift) & 0xFF, position - below);
    }
}
