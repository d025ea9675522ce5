using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>Gradient-weighted class activation mapping (Selvaraju et al., 2017, section 3).</summary>
internal static class GradCam
{
    /// <summary>Explains a class of an image.</summary>
    /// <param name="model">The model, which reads images.</param>
    /// <param name="image">The image.</param>
    /// <param name="classIndex">The class; null for the one predicted.</param>
    /// <param name="stage">The stage whose result is explained, counted from 1.</param>
    public static GradCamMap Explain(ResNetClassificationTransformer model, ExplainedImage image, int? classIndex, int stage)
    {
        using var network = new ResidualNetwork(model.Plan, model.Weights, TrainingPrecision.Float32);
        using var preprocessing = new TorchPreprocessing(model.Image, model.Preprocessing);
        using var scope = NewDisposeScope();
        var end = LayerDepth.EndOfStage(model.Plan, stage);
        var activations = Activations(network, preprocessing.Apply(ReadPixels(model, image)), end);
        var logits = Logits(network, activations, end);
        var explained = classIndex ?? (int)logits.argmax().item<long>();

        var weights = ChannelWeights(logits[0, explained], activations);
        var map = weights.mul(activations).sum(1).relu();                              // equation 2
        var heat = map.div(map.max().clamp_min(float.Epsilon)).detach().contiguous();  // a map without heat stays so
        return new GradCamMap(
            image, model.ClassNames[explained], F.softmax(logits, 1)[0, explained].item<float>(), (int)heat.shape[1], (int)heat.shape[2], [.. heat.data<float>().ToArray()]);
    }

    /// <summary>Computes a layer's results, from which on gradients are kept.</summary>
    public static Tensor Activations(ResidualNetwork network, Tensor images, int layer)
    {
        using var noGradients = no_grad();
        return network.Compute(images, 0, layer + 1).requires_grad_();
    }

    /// <summary>Computes logits from a layer's results, which stay the caller's.</summary>
    public static Tensor Logits(ResidualNetwork network, Tensor activations, int layer) => network.Compute(activations.alias(), layer + 1, network.Plan.Layers.Length);

    /// <summary>Computes how much each channel speaks for a class: the mean over places of its logit's gradient (equation 1).</summary>
    /// <returns>[1, channels, 1, 1].</returns>
    public static Tensor ChannelWeights(Tensor logit, Tensor activations) => autograd.grad([logit], [activations])[0].mean([2, 3], keepdim: true);

    private static Tensor ReadPixels(ResNetClassificationTransformer model, ExplainedImage image) =>
        new PixelBatches(model, model.Preprocessing.CropBorder, batchSize: 1).Read(new SingleImageView(model.Image.Name, image)).Select(pixels => pixels.clone()).Single();
}
