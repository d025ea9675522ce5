namespace Microsoft.ML.ResNet.Trainers;

/// <summary>How strongly a layer responds to images (He et al., 2016, figure 7).</summary>
/// <param name="Layer">The convolution's name, such as <c>layer1.0.conv1</c>.</param>
/// <param name="Index">The layer's place among the network's 3×3 layers, from the image on, counted from 1.</param>
/// <param name="StandardDeviation">The standard deviation of the layer's results, over all images, channels and pixels.</param>
public sealed record LayerResponse(string Layer, int Index, double StandardDeviation);
