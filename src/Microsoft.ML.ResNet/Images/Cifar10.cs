using System.Collections.Immutable;

namespace Microsoft.ML.ResNet;

/// <summary>
/// CIFAR-10 (Krizhevsky, 2009): 32×32 colour images of ten classes, <see href="https://www.cs.toronto.edu/~kriz/cifar.html"/>.
/// </summary>
/// <remarks>Both views have the columns <c>Image</c>, an image of 32×32 pixels, and <c>Label</c>, the name of its class as text.</remarks>
/// <param name="Train">The training images: 50,000 in the published data.</param>
/// <param name="Test">The test images: 10,000 in the published data.</param>
public sealed record Cifar10(IDataView Train, IDataView Test)
{
    /// <summary>Gets the names of the classes.</summary>
    /// <value>Ten, in the order of the published labels 0 to 9, which is also that of the alphabet.</value>
    public static ImmutableArray<string> ClassNames { get; } =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
}
