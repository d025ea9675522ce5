using System.Collections.Immutable;
using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>Adds up the responses of a network's 3×3 layers, where they are computed, in one pass.</summary>
internal sealed class ResponseMeter : IDisposable
{
    private readonly ImmutableArray<(ConvolutionLayer Layer, int Result)> _layers;
    private readonly Dictionary<int, int> _rows;   // of the index of a result among the plan's layers
    private readonly long[] _counts;
    private readonly Tensor _sums;                 // [layers, 2]: of values, and of their squares

    public ResponseMeter(LayerPlan plan)
    {
        _layers = Layers(plan);
        _rows = _layers.Index().ToDictionary(each => each.Item.Result, each => each.Index);
        _counts = new long[_layers.Length];
        _sums = TensorFactory.OnCpu.Zeros([_layers.Length, 2], ScalarType.Float64);
    }

    /// <summary>Measures a model's responses to the rows of a view.</summary>
    /// <param name="model">The model.</param>
    /// <param name="data">The view.</param>
    /// <param name="most">The most images to read.</param>
    /// <param name="batchSize">The most images in a batch.</param>
    /// <param name="stride">From a row that is read to the next: data is often sorted by class, so its first rows may say little of the
    /// others.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static ImmutableArray<LayerResponse> Measure(
        ResNetClassificationTransformer model,
        IDataView data,
        long most,
        int batchSize,
        long stride = 1,
        CancellationToken cancellation = default)
    {
        using var network = new ResidualNetwork(model.Plan, model.Weights, TrainingPrecision.Float32);
        using var preprocessing = new TorchPreprocessing(model.Preprocessing);
        using var meter = new ResponseMeter(model.Plan);
        using var noGradients = no_grad();
        var batches = new PixelBatches(model, model.Preprocessing.CropBorder, batchSize);
        foreach (var pixels in batches.Read(data, most, row => row % stride == 0))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            network.Compute(preprocessing.Apply(pixels), 0, model.Plan.Layers.Length, meter.Add);
        }

        return meter.Read();
    }

    /// <summary>Adds a layer's result, if it is a response.</summary>
    /// <param name="layer">The layer's index in the plan.</param>
    /// <param name="result">Its result for a batch.</param>
    public void Add(int layer, Tensor result)
    {
        if (!_rows.TryGetValue(layer, out var row))
        {
            return;
        }

        using var scope = NewDisposeScope();
        var values = result.to(ScalarType.Float64);
        using TorchSharp.Scalar one = 1;
        _sums.select(0, row).add_(stack([values.sum(), values.square().sum()]), one);
        _counts[row] += result.numel();
    }

    /// <summary>Gets the standard deviations of everything added.</summary>
    public ImmutableArray<LayerResponse> Read()
    {
        if (_counts[0] == 0)
        {
            throw new InvalidOperationException("The data has no rows, so there is nothing to respond to.");
        }

        var sums = _sums.data<double>();
        var responses = ImmutableArray.CreateBuilder<LayerResponse>(_layers.Length);
        for (var row = 0; row < _layers.Length; row++)
        {
            var mean = sums[2 * row] / _counts[row];
            var variance = sums[2 * row + 1] / _counts[row] - mean * mean;
            responses.Add(new LayerResponse(_layers[row].Layer.Name, row + 1, Math.Sqrt(Math.Max(0, variance))));
        }

        return responses.MoveToImmutable();
    }

    public void Dispose() => _sums.Dispose();

    // A response is what a nonlinearity or an addition reads: the normalization's result where one follows the convolution and is its only
    // reader, and otherwise the convolution's own.
    internal static ImmutableArray<(ConvolutionLayer Layer, int Result)> Layers(LayerPlan plan) =>
    [
        .. plan.Layers.Index().Where(layer => layer.Item is ConvolutionLayer { Kernel: 3 }).Select(layer => (
            (ConvolutionLayer)layer.Item,
            plan.Readers[layer.Index] is [var only] && plan.Layers[only] is BatchNormLayer ? only : layer.Index)),
    ];
}
