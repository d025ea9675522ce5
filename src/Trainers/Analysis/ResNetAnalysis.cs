using System.Collections.Immutable;
using Microsoft.ML.ResNet.Trainers.Analysis;
using Microsoft.ML.ResNet.Trainers.Loop;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Looks into classifiers, trained here or published: how they respond, what they look at, and how they do on several views of an image.</summary>
/// <remarks>The networks run in Torch, in float32, so the application needs a libtorch package, as for training.</remarks>
public static class ResNetAnalysis
{
    /// <summary>Measures how strongly each 3×3 layer responds: the standard deviation of its results (He et al., 2016, section 4.2 and figure 7).</summary>
    /// <remarks>
    /// A response is a 3×3 convolution's result after batch normalization and before the nonlinearity or the addition; in residual networks those of a
    /// block's last layer are the residual function's. The stem counts where it is 3×3, as in the CIFAR networks; 7×7 and 1×1 layers do not.
    /// In pre-activation networks, where normalization comes first, a response is likewise what the next nonlinearity or addition reads: after the
    /// normalization that follows the convolution, if nothing else reads its result, and otherwise the convolution's own result.
    /// </remarks>
    /// <example><code>
    /// foreach (var response in model.LayerResponses(test, maximumImages: 1000))
    ///     Console.WriteLine($"{response.Index,3} {response.Layer,-16} {response.StandardDeviation:F3}");
    /// </code></example>
    /// <param name="model">The classifier.</param>
    /// <param name="images">Data with the classifier's image column; it is read once, and no label is needed.</param>
    /// <param name="maximumImages">The most images to read, from the first row on; null for all. LoadImageFolder orders rows by class: shuffle them before LoadImages.</param>
    /// <returns>The responses, from the image on.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The image column is missing or of the wrong type, or the maximum is not positive.</exception>
    /// <exception cref="InvalidOperationException">The data has no rows.</exception>
    /// <exception cref="BadImageException">An image cannot be read.</exception>
    /// <exception cref="DllNotFoundException">The application has no libtorch; the message names the package to add.</exception>
    public static ImmutableArray<LayerResponse> LayerResponses(this ResNetClassificationTransformer model, IDataView images, int? maximumImages = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumImages ?? 1, nameof(maximumImages));
        model.Image.CheckSame(images.Schema);
        TorchRuntime.Initialize();
        var batchSize = PixelBatches.SizeFor(model.Plan.Input.Height, model.Plan.Input.Width);
        return TrainingThread.Run(() => ResponseMeter.Measure(model, images, maximumImages ?? long.MaxValue, batchSize));
    }
}
