using Microsoft.ML.ResNet.Trainers.Kernels;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>
/// Batch normalization (Ioffe and Szegedy, 2015, algorithm 1), with the addition of a shortcut and the ReLU that follow it. Statistics are
/// those of the whole batch, or of this process's part of it: workers meet once in each direction, and each then adds up all sums, in the
/// order of the workers. Or statistics are kept: then it is a fixed scale and shift.
/// </summary>
/// <param name="parameters">Its weights and statistics, and the gradients of the weights.</param>
/// <param name="memory">Room for sums and coefficients, of every worker.</param>
/// <param name="kernels">The kernels.</param>
/// <param name="momentum">Gets the share of the batch's statistics that the running ones move by.</param>
internal sealed unsafe class NormalizationOperation(
    NormalizationParameters parameters, NormalizationMemory memory, ActivationKernels kernels, Func<double> momentum) : StepOperation
{
    /// <summary>Gets the layer that is normalized.</summary>
    public required int Input { get; init; }

    /// <summary>Gets whether only this reads what is normalized, and its own layer needs it no more: a convolution's result.</summary>
    public required bool OwnsInput { get; init; }

    /// <summary>Gets the layer that is added; null for none. Where there is one, the input is owned.</summary>
    public required int? Shortcut { get; init; }

    /// <summary>Gets whether negative values become zero.</summary>
    public required bool Rectifies { get; init; }

    /// <summary>Gets the layer whose value is set.</summary>
    public required int Layer { get; init; }

    /// <summary>Gets the shape of an image's value.</summary>
    public required ImageShape Shape { get; init; }

    /// <summary>Gets the place of its weight among the plan's; the bias comes next.</summary>
    public required int Weight { get; init; }

    /// <summary>Gets whether it normalizes by the running statistics, and leaves them as they are: then workers need not meet.</summary>
    public required bool KeepsStatistics { get; init; }

    /// <summary>Gets whether the value takes the memory of what is normalized: where nothing reads that again.</summary>
    public required bool OverwritesInput { get; init; }

    /// <summary>Gets whether the value is freed when it was read, and computed again for the backward pass.</summary>
    public required bool IsRecomputed { get; init; }

    public override IReadOnlyList<int> Weights => [Weight, Weight + 1];

    public override bool Meets => !KeepsStatistics;

    public override void Forward(StepWorker worker)
    {
        var own = memory.Of(worker.Index);
        if (KeepsStatistics)
        {
            UseRunningStatistics(own);
        }
        else
        {
            UseBatchStatistics(worker, worker[Input].Data, Rows(worker.Images), own);
        }

        Normalize(worker, own);
    }

    /// <summary>Computes the value once more, from what is normalized and by the coefficients of the forward pass.</summary>
    public void Recompute(StepWorker worker) => Normalize(worker, memory.Of(worker.Index));

    private void Normalize(StepWorker worker, NormalizationMemory.Part own)
    {
        var x = worker[Input].Data;
        var y = OverwritesInput ? worker.Take(Input) : worker.New(Shape, isBrief: IsRecomputed);
        var shortcut = Shortcut is { } added ? worker[added].Data : null;
        kernels.Normalize(x, shortcut, Rectifies, y.Data, Rows(worker.Images), Shape.Channels, own.First, own.Second);
        worker.Set(Layer, y);
    }

    private void UseRunningStatistics(NormalizationMemory.Part own)
    {
        for (var c = 0; c < Shape.Channels; c++)
        {
            double mean = parameters.RunningMean[c];
            var scale = 1 / Math.Sqrt(parameters.RunningVariance[c] + BatchNormLayer.Epsilon);
            SetCoefficients(own, c, mean, scale);
        }
    }

    private void UseBatchStatistics(StepWorker worker, void* x, nint rows, NormalizationMemory.Part own)
    {
        var channels = Shape.Channels;

        // The running mean, which the first worker changes below.
        new Span<float>(parameters.RunningMean, channels).CopyTo(new Span<float>(own.Mean, channels));
        kernels.Sums(x, rows, channels, own.Mean, own.ForwardSums, own.Room);
        worker.Team.Meet(memory.JoinForward);
        var count = (double)Rows(worker.Batch.StatisticsCount);
        for (var c = 0; c < channels; c++)
        {
            var (sum, squares) = (memory.ForwardTotal(c), memory.ForwardTotal(channels + c));
            var offset = sum / count;
            var variance = Math.Max(0, squares / count - offset * offset);
            var mean = own.Mean[c] + offset;
            var scale = 1 / Math.Sqrt(variance + BatchNormLayer.Epsilon);
            SetCoefficients(own, c, mean, scale);
            if (worker.Index == 0)
            {
                UpdateStatistics(c, mean, variance * (count / Math.Max(1, count - 1)));
            }
        }
    }

    private void SetCoefficients(NormalizationMemory.Part own, int channel, double mean, double scale)
    {
        own.Mean[channel] = (float)mean;
        own.InverseDeviation[channel] = (float)scale;
        own.First[channel] = (float)(parameters.Weight[channel] * scale);
        own.Second[channel] = (float)(parameters.Bias[channel] - mean * parameters.Weight[channel] * scale);
    }

    public override void Backward(StepWorker worker)
    {
        var (g, g2) = worker.TakeGradients(Layer);
        var x = worker[Input].Data;
        var rows = Rows(worker.Images);
        var channels = Shape.Channels;
        var own = memory.Of(worker.Index);
        var y = Rectifies ? worker[Layer].Data : null;
        kernels.GradientSums(g.Data, g2.Exists ? g2.Data : null, y, x, rows, channels, own.Mean, own.BackwardSums, own.Room);
        worker.Free(g2);
        if (KeepsStatistics)
        {
            UseOwnSums(worker, own);
        }
        else
        {
            UseSumsOfAll(worker, own);
        }

        var target = Shortcut is null ? g : worker[Input];
        kernels.NormalizeGradient(g.Data, x, target.Data, rows, channels, own.Mean, own.First, own.Second, own.Third);
        if (Shortcut is { } added)
        {
            worker.AddGradient(added, g);
            worker.AddGradient(Input, worker.Take(Input));
        }
        else
        {
            worker.AddGradient(Input, g);
            if (OwnsInput)
            {
                worker.FreeValue(Input);
            }
        }

        worker.FreeValue(Layer);
    }

    // Statistics do not depend on the images: no image's gradient depends on another's, and those of the weights are added up over the
    // slices as a convolution's are.
    private void UseOwnSums(StepWorker worker, NormalizationMemory.Part own)
    {
        var channels = Shape.Channels;
        var vector = new ImageShape(channels, 1, 1);
        var (ofWeight, ofBias) = (worker.New(vector, StepProgram.VectorType), worker.New(vector, StepProgram.VectorType));
        for (var c = 0; c < channels; c++)
        {
            own.First[c] = parameters.Weight[c] * own.InverseDeviation[c];
            (own.Second[c], own.Third[c]) = (0, 0);
            ((float*)ofWeight.Data)[c] = (float)(own.BackwardSums[channels + c] * own.InverseDeviation[c]);
            ((float*)ofBias.Data)[c] = (float)own.BackwardSums[c];
        }

        worker.SetWeightGradient(Weight, ofWeight);
        worker.SetWeightGradient(Weight + 1, ofBias);
    }

    private void UseSumsOfAll(StepWorker worker, NormalizationMemory.Part own)
    {
        var channels = Shape.Channels;
        var meeting = worker.Team.Arrive(memory.JoinBackward);
        worker.DoPostponed(); // while others may still be on their way
        worker.Team.Await(meeting);
        var count = (double)Rows(worker.Batch.StatisticsCount);
        for (var c = 0; c < channels; c++)
        {
            var (sum, product) = (memory.BackwardTotal(c), memory.BackwardTotal(channels + c));
            double scale = own.InverseDeviation[c];
            var slope = parameters.Weight[c] * scale;
            own.First[c] = (float)slope;
            own.Second[c] = (float)(-slope * scale * scale * product / count);
            own.Third[c] = (float)(-slope * sum / count);
            if (worker.Index == 0)
            {
                var accumulates = worker.Batch.Accumulates && !parameters.AreExchanged;
                parameters.BiasGradient[c] = (float)sum + (accumulates ? parameters.BiasGradient[c] : 0);
                parameters.WeightGradient[c] = (float)(product * scale) + (accumulates ? parameters.WeightGradient[c] : 0);
            }
        }
    }

    private nint Rows(int images) => (nint)images * Shape.Height * Shape.Width;

    // The variance of the population, as PyTorch keeps it.
    private void UpdateStatistics(int channel, double mean, double variance)
    {
        var share = momentum();
        parameters.RunningMean[channel] = (float)((1 - share) * parameters.RunningMean[channel] + share * mean);
        parameters.RunningVariance[channel] = (float)((1 - share) * parameters.RunningVariance[channel] + share * variance);
    }
}
