namespace Studio.Training;

/// <summary>Where a run stands.</summary>
internal static class RunState
{
    public const string Preparing = "preparing";
    public const string Training = "training";
    public const string Testing = "testing";
    public const string Done = "done";
    public const string Stopped = "stopped";
    public const string Failed = "failed";

    public static bool IsActive(string state) => state is Preparing or Training or Testing;
}

/// <summary>A run, as <c>run.json</c> keeps it.</summary>
internal sealed record TrainingRun
{
    public required string Id { get; init; }

    public required string State { get; init; }

    public required RunSettings Settings { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary>Gets what is to be known about the state: why it failed, what is being done.</summary>
    public string? Message { get; init; }

    /// <summary>Gets the seconds that were worked on it, in all.</summary>
    public double Seconds { get; init; }

    public string[] Classes { get; init; } = [];

    public int TrainingImages { get; init; }

    public int TestImages { get; init; }

    public int ValidationImages { get; init; }

    public int SkippedImages { get; init; }

    /// <summary>Gets the share of the test images classified right, and the interval that holds the true share with 95 %.</summary>
    public Share? Accuracy { get; init; }

    public string? StoppedEarly { get; init; }

    public string? NoBetterThanChance { get; init; }
}

/// <summary>A share of images, and how well so many images know it.</summary>
internal sealed record Share(double Value, double Low, double High, long Correct, long Total);

/// <summary>A point of the curves.</summary>
internal sealed record Point(
    int Epoch, int Epochs, long Step, long Steps, double Loss, double Accuracy, double? Validation, double? ValidationLoss, double Rate,
    double ImagesPerSecond, double SecondsLeft, bool EndsEpoch)
{
    /// <summary>Gets what the network says of some images that it does not learn from; null within an epoch.</summary>
    public SampledImage[]? Samples { get; init; }
}

/// <summary>An image that the network does not learn from: what it takes it for, and how sure it is of that and of its class.</summary>
internal sealed record SampledImage(string Image, string Class, string Predicted, float Probability, float ClassProbability);

/// <summary>An image of a run, with the class that it had when the run began.</summary>
internal sealed record RunImage(string Image, string Class, bool IsTest);
