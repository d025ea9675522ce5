using Microsoft.ML.ResNet.Trainers.Compiled;

namespace Benchmarks.Scaling;

/// <summary>
/// How long a step of several processes takes. It follows what the trainer does: sums of statistics are gathered from all ranks by all,
/// two for each normalization: in the forward pass everybody waits for them, in the backward pass the gradient of filters is computed
/// meanwhile. Gradients are sent in buckets, while the backward pass goes on: in blocks to the rank that adds each up, in the order of the
/// ranks, and from there to all.
/// </summary>
internal sealed record StepModel
{
    // Up to so many bytes of a rank are gathered by all; more are sent in blocks.
    private const int LargestGathered = 1 << 15;

    // Backward passes have two convolutions for each of the forward pass.
    private const double BackwardShare = 2.0 / 3;

    private const double FiltersShare = 1.0 / 3;

    private const int MessagesAfterStep = 2; // the loss, and what is due

    public required ExchangedNetwork Network { get; init; }

    public required NetworkLink Link { get; init; }

    public required int Ranks { get; init; }

    /// <summary>Gets the seconds that a rank computes for its part of the batch.</summary>
    public required double Compute { get; init; }

    /// <summary>Gets the seconds for each byte of gradients to copy and to add it up in memory, on one thread.</summary>
    public double SecondsPerByte { get; init; }

    /// <summary>Gets the seconds of computing that each byte costs a rank that has no core to spare for the exchange.</summary>
    /// <value>The default is 0: it has one.</value>
    public double SecondsTakenPerByte { get; init; }

    /// <summary>Gets the bytes of gradients, as floats, that are sent at once.</summary>
    /// <value>The default is 0: as many as the trainer takes.</value>
    public long BucketBytes { get; init; }

    /// <summary>Gets the bytes of a gradient on the wire.</summary>
    /// <value>The default is 4: float32.</value>
    public int BytesPerGradient { get; init; } = sizeof(float);

    /// <summary>Gets whether batch statistics are those of the whole batch.</summary>
    /// <value>The default is true; otherwise each rank has its own.</value>
    public bool JoinsStatistics { get; init; } = true;

    public StepTime Predict()
    {
        if (Ranks == 1)
        {
            return new StepTime(Compute, 0, 0);
        }

        return new StepTime(
            Compute, JoinsStatistics ? Statistics() : 0, Exchange() + MessagesAfterStep * Link.Gather(Ranks, sizeof(double)));
    }

    // Convolutions have about as many products each: so has the one whose filters' gradient hides a sum.
    private double Statistics()
    {
        var hidden = FiltersShare * Compute / Network.Channels.Length;
        return Network.Channels.Select(channels => Join(2 * channels * sizeof(double))).Sum(join => join + Math.Max(0, join - hidden));
    }

    // By how much the exchange of gradients makes the backward pass longer. That goes from the last layer to the first, each of which takes
    // the time of its products; one bucket is exchanged after the other.
    private double Exchange()
    {
        var backward = BackwardShare * Compute;
        var perProduct = backward / Math.Max(1, Network.MultiplyAdds);
        var bucket = BucketBytes == 0 ? GradientBucket.BytesFor(Ranks) : BucketBytes;
        var (computed, exchanged, gradients) = (0.0, 0.0, 0L);
        for (var layer = Network.Layers.Length - 1; layer >= 0; layer--)
        {
            computed += Network.Layers[layer].MultiplyAdds * perProduct;
            gradients += Network.Layers[layer].Gradients;
            if (gradients * sizeof(float) < bucket && layer > 0)
            {
                continue;
            }

            var bytes = (double)gradients * BytesPerGradient;
            exchanged = Math.Max(exchanged, computed) + Join(bytes) + bytes * SecondsPerByte;
            computed += bytes * SecondsTakenPerByte;
            gradients = 0;
        }

        return Math.Max(exchanged, computed) - backward;
    }

    // A sum over all ranks.
    private double Join(double bytes) => bytes <= LargestGathered
        ? Link.Gather(Ranks, bytes)
        : 2 * Link.Blocks(Ranks, bytes / Ranks);
}

/// <summary>The parts of a step, in seconds, one after the other.</summary>
/// <param name="Compute">What a rank computes.</param>
/// <param name="Statistics">The sums of batch statistics.</param>
/// <param name="Gradients">The exchange of gradients, as far as it is not hidden behind the backward pass.</param>
internal sealed record StepTime(double Compute, double Statistics, double Gradients)
{
    public double Total => Compute + Statistics + Gradients;

    /// <summary>Gets the share of the time in which a rank computes.</summary>
    public double Efficiency => Compute / Total;
}
