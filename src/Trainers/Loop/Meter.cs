using Microsoft.ML.ResNet.Trainers.Checkpoints;
using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>
/// Adds up losses and right answers where they are computed. Reading makes the host wait for the device, so it is done about once a
/// second and not at every step.
/// </summary>
/// <param name="tensors">Makes tensors where they are computed; null for the CPU.</param>
internal sealed class Meter(TensorFactory? tensors = null) : IDisposable
{
    private const int Capacity = 256;

    private readonly Tensor _losses =
        (tensors ?? TensorFactory.OnCpu).Zeros([Capacity], ScalarType.Float32); // of the steps since the last reading
    private readonly Tensor _correct = (tensors ?? TensorFactory.OnCpu).Zeros([Capacity], ScalarType.Int64);
    private readonly int[] _counts = new int[Capacity];

    /// <summary>Gets the number of steps since the last reading.</summary>
    public int Steps { get; private set; }

    /// <summary>Gets whether the meter must be read before the next step.</summary>
    public bool IsFull => Steps == Capacity;

    /// <summary>Adds a step.</summary>
    /// <param name="count">The images.</param>
    /// <param name="correct">How many were right, a scalar.</param>
    /// <param name="loss">The mean loss, a scalar.</param>
    public void Add(int count, Tensor correct, Tensor loss)
    {
        using var noGradients = no_grad();
        _losses.narrow(0, Steps, 1).copy_(loss);
        _correct.narrow(0, Steps, 1).copy_(correct);
        _counts[Steps++] = count;
    }

    /// <summary>Adds a step whose sums are known; on the CPU.</summary>
    /// <param name="count">The images.</param>
    /// <param name="correct">How many were right.</param>
    /// <param name="loss">The mean loss.</param>
    public void Add(int count, int correct, double loss)
    {
        _losses.data<float>()[Steps] = (float)loss;
        _correct.data<long>()[Steps] = correct;
        _counts[Steps++] = count;
    }

    /// <summary>
    /// Adds what was added since the last reading to a tally, step by step, so that the moment of reading does not change a sum's last
    /// bits.
    /// </summary>
    /// <param name="tally">The tally so far.</param>
    /// <param name="notFinite">The index, among the steps read, of the first whose loss was infinite or not a number; null if none
    /// was.</param>
    /// <returns>The tally with the steps read.</returns>
    public Tally Read(Tally tally, out int? notFinite)
    {
        using var scope = NewDisposeScope();
        var losses = _losses.ToCpu().data<float>();
        var correct = _correct.ToCpu().data<long>();
        notFinite = null;
        for (var step = 0; step < Steps; step++)
        {
            if (notFinite is null && !float.IsFinite(losses[step]))
            {
                notFinite = step;
            }

            tally += new Tally(_counts[step], correct[step], (double)losses[step] * _counts[step]);
        }

        Steps = 0;
        return tally;
    }

    public void Dispose()
    {
        _losses.Dispose();
        _correct.Dispose();
    }
}
