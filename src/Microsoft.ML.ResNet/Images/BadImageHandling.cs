namespace Microsoft.ML.ResNet;

/// <summary>What training, or the reading of shards, does when an image cannot be read: its file, or its shard, is damaged.</summary>
public enum BadImageHandling
{
    /// <summary>Nothing goes on; the exception names the image, or the shard.</summary>
    Fail,

    /// <summary>
    /// The image is left out. Training reports how many were, and keeps their number in <see cref="TrainingHistory.SkippedImages"/>;
    /// the reading of shards names them in <c>ImageShards.Skipped</c>.
    /// </summary>
    Skip,
}
