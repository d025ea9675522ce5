using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet;

public sealed partial class ResNetWeights
{
    /// <summary>Finds weights that were trained on ImageNet, on this machine: nothing is downloaded.</summary>
    /// <remarks>
    /// The first that is there is taken: the network that the package <c>Microsoft.ML.DnnImageFeaturizer.ResNet18</c> puts beside the
    /// program, in <c>DnnImageModels</c>, for <c>resnet18</c>; then what <see cref="Download"/> has fetched before, the newer weights
    /// first. The package's network has no head: it is to train on, or to give features.
    /// </remarks>
    /// <param name="name">
    /// The name of a network, such as <c>resnet18</c>, or of published weights, such as <c>resnet50.imagenet1k_v2</c>.
    /// </param>
    /// <returns>The weights, with their architecture and their preprocessing.</returns>
    /// <exception cref="ArgumentException">No package and no published weights have that name; the message lists those there
    /// are.</exception>
    /// <exception cref="FileNotFoundException">They are not on this machine: the message says which package to add, or what to
    /// download.</exception>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static ResNetWeights Pretrained(string name) => PretrainedWeights.Find(name, AppContext.BaseDirectory, cacheFolder: null);
}
