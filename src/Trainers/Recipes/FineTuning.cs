namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Which part of a network is trained, when, and how fast at which depth.</summary>
/// <param name="Layers">The part that is trained in the end.</param>
/// <param name="EpochsPerUnfreezing">The epochs after which one more stage is trained, from the head on; 0 to train all of the part at
/// once.</param>
/// <param name="LayerDecay">What the learning rate is multiplied by per block on the way from the head to the image.</param>
internal sealed record FineTuning(TrainableLayers Layers, int EpochsPerUnfreezing, double LayerDecay)
{
    /// <summary>Gets how often each image is seen where the head learns from features.</summary>
    public int HeadCopies { get; init; } = 1;

    /// <summary>Gets whether the head is fitted before the rest is trained.</summary>
    public bool FitsHeadFirst { get; init; }

    /// <summary>Gets whether batch normalization uses, and keeps, the statistics that training starts from.</summary>
    public bool KeepsStatistics { get; init; }

    /// <summary>Returns what is trained, as a checkpoint keeps it.</summary>
    public override string ToString() =>
        $"{Layers}{(FitsHeadFirst ? ", the head first" : "")}{(HeadCopies > 1 ? $", {HeadCopies} copies" : "")}"
        + (KeepsStatistics ? ", statistics kept" : "");
}
