using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>
/// Gradient-weighted class activation mapping (Selvaraju et al., 2017, section 3), by one network for any number of images.
/// </summary>
internal sealed class GradCam : IDisposable
{
    private readonly ResNetClassificationTransformer _model;
    private readonly ResidualNetwork _network;
    private readonly TorchPreprocessing _preprocessing;
    private readonly int _end;

    /// <param name="model">The model, whose weights are copied.</param>
    /// <param name="stage">The stage whose results are explained, counted from 1.</param>
    public GradCam(ResNetClassificationTransformer model, int stage)
    {
        _model = model;
        _end = LayerDepth.EndOfStage(model.Plan, stage);
        _network = new ResidualNetwork(model.Plan, model.Weights, TrainingPrecision.Float32);
        _preprocessing = new TorchPreprocessing(model.Preprocessing);
    }

    /// <summary>Explains a class of one image.</summary>
    /// <param name="model">The model, which reads images.</param>
    /// <param name="image">The image.</param>
    /// <param name="classIndex">The class; null for the one predicted.</param>
    /// <param name="stage">The stage, counted from 1.</param>
    public static GradCamMap Explain(ResNetClassificationTransformer model, ExplainedImage image, int? classIndex, int stage)
    {
        using var gradCam = new GradCam(model, stage);
        using var scope = NewDisposeScope();
        var results = gradCam.Look(ReadPixels(model, image));
        return gradCam.Explain(results, [image], [classIndex ?? (int)results.Logits.argmax().item<long>()])[0];
    }

    /// <summary>Computes a stage's results, and the network's.</summary>
    /// <param name="pixels">[batch, channels, height, width], as <see cref="PixelBatches"/> reads them.</param>
    public StageResults Look(Tensor pixels)
    {
        var activations = Activations(_network, _preprocessing.Apply(pixels), _end);
        return new StageResults(activations, Logits(_network, activations, _end));
    }

    /// <summary>Explains a class of each image.</summary>
    /// <param name="results">What the network computed of the images.</param>
    /// <param name="images">The images, to draw on.</param>
    /// <param name="classes">For each image, the index of the class to explain.</param>
    public GradCamMap[] Explain(StageResults results, ReadOnlySpan<ExplainedImage> images, ReadOnlySpan<int> classes)
    {
        var chosen = TensorFactory.OnCpu.Of(Array.ConvertAll(classes.ToArray(), index => (long)index), classes.Length, 1);

        // Images do not meet in the network, so the gradient of the sum holds each image's own.
        var weights = ChannelWeights(results.Logits.gather(1, chosen).sum(), results.Activations);
        var maps = weights.mul(results.Activations).sum(1).relu();                                              // equation 2
        using TorchSharp.Scalar least = float.Epsilon;
        var heat = maps.div(maps.amax([1, 2], keepdim: true).clamp_min(least)).detach().contiguous();  // a map without heat stays so
        var (height, width) = ((int)heat.shape[1], (int)heat.shape[2]);
        var values = heat.data<float>().ToArray();
        var scores = _model.IsMultilabel ? results.Logits.sigmoid() : F.softmax(results.Logits, 1);
        var probabilities = scores.gather(1, chosen).detach().contiguous().data<float>().ToArray();

        var explained = new GradCamMap[images.Length];
        for (var i = 0; i < explained.Length; i++)
        {
            explained[i] = new GradCamMap(
                images[i],
                _model.ClassNames[classes[i]],
                probabilities[i],
                height,
                width,
                [.. values.AsSpan(i * height * width, height * width)]);
        }

        return explained;
    }

    public void Dispose()
    {
        _network.Dispose();
        _preprocessing.Dispose();
    }

    /// <summary>Computes a layer's results, from which on gradients are kept.</summary>
    public static Tensor Activations(ResidualNetwork network, Tensor images, int layer)
    {
        using var noGradients = no_grad();
        return network.Compute(images, 0, layer + 1).requires_grad_();
    }

    /// <summary>Computes logits from a layer's results, which stay the caller's.</summary>
    public static Tensor Logits(ResidualNetwork network, Tensor activations, int layer) =>
        network.Compute(activations.alias(), layer + 1, network.Plan.Layers.Length);

    /// <summary>
    /// Computes how much each channel speaks for a class: the mean over places of its logit's gradient (equation 1). Another class may be
    /// asked about after it.
    /// </summary>
    /// <returns>[batch, channels, 1, 1].</returns>
    public static Tensor ChannelWeights(Tensor logit, Tensor activations) =>
        autograd.grad([logit], [activations], retain_graph: true)[0].mean([2, 3], keepdim: true);

    private static Tensor ReadPixels(ResNetClassificationTransformer model, ExplainedImage image) =>
        new PixelBatches(model, model.Preprocessing.CropBorder, batchSize: 1)
            .Read(new SingleImageView(model.Image.Name, image))
            .Select(pixels => pixels.clone())
            .Single();
}

/// <summary>What a network computed of a batch of images, with the gradients' way from the one to the other.</summary>
/// <param name="Activations">A stage's results, [batch, channels, height, width].</param>
/// <param name="Logits">The network's results, [batch, classes].</param>
internal sealed record StageResults(Tensor Activations, Tensor Logits);
