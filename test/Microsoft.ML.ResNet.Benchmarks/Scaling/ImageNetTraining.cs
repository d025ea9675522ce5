namespace Benchmarks.Scaling;

/// <summary>
/// Training on ImageNet for 90 epochs, as Goyal et al. (2017) share it out: 256 images of a step for each node, until the whole batch has
/// as many as still train well.
/// </summary>
internal sealed record ImageNetTraining
{
    public const int Images = 1_281_167;
    public const int Classes = 1000;
    public const int ImageSize = 224;
    public const int Epochs = 90;
    public const int ImagesOfNode = 256;

    /// <summary>The largest batch that trains as well as small ones do (Goyal et al., 2017).</summary>
    public const int LargestBatch = 8192;

    /// <summary>The largest batch with LARS or LAMB (You et al., 2017).</summary>
    public const int LargestBatchOfLars = 32_768;

    public required ExchangedNetwork Network { get; init; }

    public required NetworkLink Link { get; init; }

    /// <summary>Gets the images that a node trains on in a second by itself.</summary>
    public required double Rate { get; init; }

    public required int Nodes { get; init; }

    public int MostImages { get; init; } = LargestBatch;

    public int BytesPerGradient { get; init; } = sizeof(float);

    public bool JoinsStatistics { get; init; } = true;

    public double SecondsPerByte { get; init; }

    public int Batch => Math.Min(ImagesOfNode * Nodes, MostImages);

    public StepTime Step => new StepModel
    {
        Network = Network,
        Link = Link,
        Ranks = Nodes,
        Compute = (double)Batch / Nodes / Rate,
        SecondsPerByte = SecondsPerByte,
        BytesPerGradient = BytesPerGradient,
        JoinsStatistics = JoinsStatistics,
    }.Predict();

    public double Hours => Math.Ceiling((double)Images / Batch) * Epochs * Step.Total / 3600;

    /// <summary>Gets the most nodes, a power of two, that compute for at least half of the time, as do all smaller numbers.</summary>
    public int NodesBelowLimit(int most)
    {
        var nodes = 1;
        while (2 * nodes <= most && (this with { Nodes = 2 * nodes }).Step.Efficiency >= 0.5)
        {
            nodes *= 2;
        }

        return nodes;
    }
}
