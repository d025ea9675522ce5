using System.Collections.Immutable;
using OxyPlot;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Charts;

/// <summary>The colours of a chart.</summary>
internal sealed record ChartTheme
{
    /// <summary>For light surroundings, and for paper.</summary>
    public static readonly ChartTheme Light = new()
    {
        Background = OxyColors.White,
        Text = Rgb(0x334155),
        Axis = Rgb(0x94a3b8),
        Grid = Rgb(0xe2e8f0),
        Quiet = Rgb(0x8a97a8),
        // Okabe and Ito (2008): told apart with any colour vision. Their yellow, which white paper hides, is left out.
        Series = [Rgb(0x0072b2), Rgb(0xd55e00), Rgb(0x009e73), Rgb(0xcc79a7), Rgb(0xe69f00), Rgb(0x56b4e9), Rgb(0x4b5563)],
    };

    /// <summary>For dark surroundings: the same hues, brighter.</summary>
    public static readonly ChartTheme Dark = new()
    {
        Background = Rgb(0x0f172a),
        Text = Rgb(0xcbd5e1),
        Axis = Rgb(0x64748b),
        Grid = Rgb(0x263347),
        Quiet = Rgb(0x94a3b8),
        Series = [Rgb(0x4fb0f0), Rgb(0xff8c42), Rgb(0x2ecf9e), Rgb(0xe7a3c6), Rgb(0xf5b942), Rgb(0x9ad4f7), Rgb(0xd1d5db)],
    };

    public required OxyColor Background { get; init; }

    public required OxyColor Text { get; init; }

    public required OxyColor Axis { get; init; }

    public required OxyColor Grid { get; init; }

    /// <summary>Gets the colour of what stands beside the main thing.</summary>
    public required OxyColor Quiet { get; init; }

    /// <summary>Gets the colours of curves; after the last one, the first comes again.</summary>
    public required ImmutableArray<OxyColor> Series { get; init; }

    public OxyColor SeriesColor(int index) => Series[index % Series.Length];

    private static OxyColor Rgb(uint color) => OxyColor.FromUInt32(0xff000000 | color);
}
