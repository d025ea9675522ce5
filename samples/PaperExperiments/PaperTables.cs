using System.Collections.Immutable;
using Microsoft.ML.ResNet;

namespace PaperExperiments;

/// <summary>What He et al. (2016), <see href="https://arxiv.org/abs/1512.03385"/>, print about their networks.</summary>
internal static class PaperTables
{
    /// <summary>
    /// Table 1. Its bottlenecks have their stride in the first convolution; the plain networks of section 4.1 share its columns.
    /// </summary>
    public static ImmutableArray<PaperNetwork> ImageNet { get; } =
    [
        OfTable1(ResNetArchitecture.Plain18, 18,
            [new(112, 1, 64), new(56, 4, 64), new(28, 4, 128), new(14, 4, 256), new(7, 4, 512)], 1.8m),
        OfTable1(ResNetArchitecture.Plain34, 34,
            [new(112, 1, 64), new(56, 6, 64), new(28, 8, 128), new(14, 12, 256), new(7, 6, 512)], 3.6m),
        OfTable1(ResNetArchitecture.ResNet18, 18,
            [new(112, 1, 64), new(56, 4, 64), new(28, 4, 128), new(14, 4, 256), new(7, 4, 512)], 1.8m),
        OfTable1(ResNetArchitecture.ResNet34, 34,
            [new(112, 1, 64), new(56, 6, 64), new(28, 8, 128), new(14, 12, 256), new(7, 6, 512)], 3.6m),
        OfTable1(ResNetArchitecture.ResNet50V1, 50,
            [new(112, 1, 64), new(56, 9, 256), new(28, 12, 512), new(14, 18, 1024), new(7, 9, 2048)], 3.8m),
        OfTable1(ResNetArchitecture.ResNet101V1, 101,
            [new(112, 1, 64), new(56, 9, 256), new(28, 12, 512), new(14, 69, 1024), new(7, 9, 2048)], 7.6m),
        OfTable1(ResNetArchitecture.ResNet152V1, 152,
            [new(112, 1, 64), new(56, 9, 256), new(28, 24, 512), new(14, 108, 1024), new(7, 9, 2048)], 11.3m),
    ];

    /// <summary>Section 4.2 and table 6. Plain networks have the parameters of the residual ones, and errors in a figure only.</summary>
    public static ImmutableArray<PaperNetwork> Cifar10 { get; } =
    [
        OfSection42(ResNetArchitecture.Plain20, n: 3, 0.27m, null),
        OfSection42(ResNetArchitecture.Plain32, n: 5, 0.46m, null),
        OfSection42(ResNetArchitecture.Plain44, n: 7, 0.66m, null),
        OfSection42(ResNetArchitecture.Plain56, n: 9, 0.85m, null),
        OfSection42(ResNetArchitecture.Plain110, n: 18, 1.7m, null),
        OfSection42(ResNetArchitecture.ResNet20, n: 3, 0.27m, 8.75m),
        OfSection42(ResNetArchitecture.ResNet32, n: 5, 0.46m, 7.51m),
        OfSection42(ResNetArchitecture.ResNet44, n: 7, 0.66m, 7.17m),
        OfSection42(ResNetArchitecture.ResNet56, n: 9, 0.85m, 6.97m),
        OfSection42(ResNetArchitecture.ResNet110, n: 18, 1.7m, 6.43m),
        OfSection42(ResNetArchitecture.ResNet1202, n: 200, 19.4m, 7.93m),
    ];

    private static PaperNetwork OfTable1(
        ResNetArchitecture architecture, int layers, ImmutableArray<PaperStage> stages, decimal billionMultiplyAdds) =>
        new(architecture, ClassCount: 1000, layers, stages) { BillionMultiplyAdds = billionMultiplyAdds };

    // The table in section 4.2: 1 + 2n, 2n and 2n layers, with 16, 32 and 64 filters, for maps
    // of 32, 16 and 8 pixels; 6n + 2 layers in all.
    private static PaperNetwork OfSection42(ResNetArchitecture architecture, int n, decimal millionParameters, decimal? testErrorPercent) =>
        new(architecture, ClassCount: 10, 6 * n + 2, [new(32, 1 + 2 * n, 16), new(16, 2 * n, 32), new(8, 2 * n, 64)])
        {
            MillionParameters = millionParameters,
            TestErrorPercent = testErrorPercent,
        };
}
