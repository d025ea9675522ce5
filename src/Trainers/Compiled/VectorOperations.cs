using System.Numerics.Tensors;
using Microsoft.ML.ResNet.Trainers.Kernels;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>A matrix product of vectors of floats: the head, and squeeze-and-excitation's convolutions of one position.</summary>
/// <param name="input">The layer that it reads.</param>
/// <param name="layer">Its own layer.</param>
/// <param name="weight">The place of the matrix among the plan's weights; the bias comes next.</param>
/// <param name="matrix">The matrix, [outputs, inputs], with ones after them or not.</param>
/// <param name="bias">The bias.</param>
internal sealed class LinearOperation(int input, int layer, int weight, nint matrix, nint bias) : StepOperation
{
    private const string Source =
        """
        def forward(x, w, b):
            return torch.linear(x.flatten(1), w.flatten(1), b)

        def backward(g, x, w) -> Tuple[Tensor, Tensor, Tensor]:
            rows = g.flatten(1)
            return torch.mm(rows, w.flatten(1)), torch.mm(rows.t(), x.flatten(1)), rows.sum(0)

        """;

    private static readonly Lazy<TorchScript> Functions = new(() => new TorchScript(Source));

    public override IReadOnlyList<int> Weights => [weight, weight + 1];

    public override void Forward(StepWorker worker)
    {
        Span<nint> result = [0];
        Functions.Value.Invoke("forward\0"u8, [worker[input].Handle, matrix, bias], result);
        worker.Set(layer, new StepTensor(result[0], null));
    }

    public override void Backward(StepWorker worker)
    {
        var gradient = worker.TakeGradient(layer);
        Span<nint> results = [0, 0, 0];
        Functions.Value.Invoke("backward\0"u8, [gradient.Handle, worker[input].Handle, matrix], results);
        worker.Free(gradient);
        worker.FreeValue(layer);
        worker.AddGradient(input, new StepTensor(results[0], null));
        worker.SetWeightGradient(weight, new StepTensor(results[1], null));
        worker.SetWeightGradient(weight + 1, new StepTensor(results[2], null));
    }
}

/// <summary>1 / (1 + e⁻ˣ), of vectors of floats. The result takes the memory of what it reads, which nothing else does.</summary>
/// <param name="size">The floats of an image.</param>
/// <param name="input">The layer that it reads.</param>
/// <param name="layer">Its own layer.</param>
internal sealed unsafe class SigmoidOperation(int size, int input, int layer) : StepOperation
{
    public override void Forward(StepWorker worker)
    {
        var y = worker.Take(input);
        var values = Values(worker, y);
        TensorPrimitives.Sigmoid(values, values);
        worker.Set(layer, y);
    }

    public override void Backward(StepWorker worker)
    {
        var gradient = worker.TakeGradient(layer);
        var g = Values(worker, gradient);
        var y = Values(worker, worker[layer]);
        for (var i = 0; i < g.Length; i++)
        {
            g[i] *= y[i] * (1 - y[i]);
        }

        worker.FreeValue(layer);
        worker.AddGradient(input, gradient);
    }

    private Span<float> Values(StepWorker worker, StepTensor tensor) => new(tensor.Data, worker.Images * size);
}

/// <summary>Multiplies each channel of each image by a number of its own: squeeze-and-excitation.</summary>
/// <param name="shape">The shape of an image's value.</param>
/// <param name="input">The layer of the activations.</param>
/// <param name="gate">The layer of the numbers.</param>
/// <param name="layer">Its own layer.</param>
/// <param name="kernels">The kernels.</param>
internal sealed unsafe class GateOperation(ImageShape shape, int input, int gate, int layer, ActivationKernels kernels) : StepOperation
{
    private readonly int _positions = shape.Height * shape.Width;

    public override void Forward(StepWorker worker)
    {
        var y = worker.New(shape);
        kernels.Gate(worker[input].Data, (float*)worker[gate].Data, y.Data, worker.Images, _positions, shape.Channels);
        worker.Set(layer, y);
    }

    public override void Backward(StepWorker worker)
    {
        var gradient = worker.TakeGradient(layer);
        var ofGate = worker.New(new ImageShape(shape.Channels, 1, 1), StepProgram.VectorType);
        kernels.GateGradient(
            gradient.Data,
            worker[input].Data,
            (float*)worker[gate].Data,
            gradient.Data,
            (float*)ofGate.Data,
            worker.Images,
            _positions,
            shape.Channels);
        worker.FreeValue(layer);
        worker.AddGradient(input, gradient);
        worker.AddGradient(gate, ofGate);
    }
}
