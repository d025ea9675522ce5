using System.Numerics.Tensors;

namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>The weights that training starts from: random ones, or given ones made to fit.</summary>
internal static class StartingWeights
{
    /// <summary>Gets the weights that a network starts from.</summary>
    /// <param name="plan">The network to train.</param>
    /// <param name="given">Weights of the same architecture; null for random ones.</param>
    /// <param name="seed">The seed of what is random: everything, or the head where the number of classes differs.</param>
    /// <param name="zeroInitResidual">Whether random blocks start as their shortcuts: the scale of their last normalization at
    /// zero.</param>
    public static ResNetWeights For(LayerPlan plan, ResNetWeights? given, int seed, bool zeroInitResidual = false)
    {
        var random = ResNetWeights.Initialize(plan, seed);
        if (given is null)
        {
            return zeroInitResidual ? ZeroInitResidual(plan, random) : random;
        }

        var fitting = Fit(given, plan);
        return new ResNetWeights(plan.Weights.Select(spec => fitting.TryGet(spec.Name, out var tensor) ? tensor : random[spec.Name]));
    }

    /// <summary>
    /// Makes given weights fit: its first convolution is adapted to the channels, and a head of other classes is left out.
    /// </summary>
    /// <exception cref="ArgumentException">The given weights are of another architecture; the message lists what does not fit.</exception>
    public static ResNetWeights Fit(ResNetWeights given, LayerPlan plan) => AdaptChannels(given, plan).For(plan, strict: false);

    /// <summary>
    /// Starts the biases of a new head at the logarithms of the labels' odds, where an image has any number of labels: most labels are
    /// absent from most images, and the first steps need not learn that (Lin et al., 2017, https://arxiv.org/abs/1708.02002, section 3.3).
    /// </summary>
    /// <param name="weights">The weights; a head whose biases are not all 0 was trained before, and is left as it is.</param>
    /// <param name="plan">The network.</param>
    /// <param name="counts">The images that have each label.</param>
    /// <param name="images">The images.</param>
    public static ResNetWeights WithPriors(ResNetWeights weights, LayerPlan plan, int[] counts, int images)
    {
        var bias = weights[plan.Head.Weights[1].Name];
        if (bias.Values.Span.ContainsAnyExcept(0))
        {
            return weights;
        }

        // One half more of each, so that no label is certain.
        float[] odds = [.. counts.Select(count => (float)Math.Log((count + 0.5) / (images - count + 0.5)))];
        var prior = new WeightTensor(bias.Name, bias.Shape, odds);
        return new ResNetWeights(weights.Tensors.Select(tensor => tensor.Name == prior.Name ? prior : tensor));
    }

    // A block of a pre-activation network ends in a convolution, and is left as it is.
    private static ResNetWeights ZeroInitResidual(LayerPlan plan, ResNetWeights weights)
    {
        var last = plan.Layers.OfType<AddLayer>()
            .Select(add => plan.Layers[add.Inputs[0]])
            .Select(residual => residual is ScaleLayer ? plan.Layers[residual.Inputs[0]] : residual);
        var zeroed = last.OfType<BatchNormLayer>().Select(batchNorm => batchNorm.Weights[0].Name).ToHashSet();
        return new ResNetWeights(weights.Tensors.Select(tensor => zeroed.Contains(tensor.Name)
            ? new WeightTensor(tensor.Name, tensor.Shape, new float[tensor.Values.Length])
            : tensor));
    }

    // For one channel the filters' sum, which on a grey image gives what the colours gave; for others the filters in turn, weighted so
    // that the sum stays (as timm adapts its checkpoints).
    private static ResNetWeights AdaptChannels(ResNetWeights given, LayerPlan plan)
    {
        var spec = plan.Layers.OfType<ConvolutionLayer>().First().Weights[0];
        if (!given.TryGet(spec.Name, out var filters) || filters.Shape.Length != 4 || filters.Shape[1] == spec.Shape[1])
        {
            return given;
        }

        var (outputs, had, wanted, size) = (filters.Shape[0], filters.Shape[1], spec.Shape[1], filters.Shape[2] * filters.Shape[3]);
        var adapted = new float[outputs * wanted * size];
        for (var output = 0; output < outputs; output++)
        {
            for (var source = 0; source < (wanted == 1 ? had : wanted); source++)
            {
                var from = filters.Values.Span.Slice((output * had + source % had) * size, size);
                var to = adapted.AsSpan((output * wanted + source % wanted) * size, size);
                TensorPrimitives.MultiplyAdd(from, wanted == 1 ? 1 : (float)had / wanted, to, to);
            }
        }

        var tensor = new WeightTensor(filters.Name, filters.Shape.SetItem(1, wanted), adapted);
        return new ResNetWeights(given.Tensors.Select(each => each.Name == tensor.Name ? tensor : each));
    }
}
