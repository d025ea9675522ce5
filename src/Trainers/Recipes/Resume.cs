namespace Microsoft.ML.ResNet.Trainers;

/// <summary>What a checkpoint folder is used for when training starts.</summary>
public enum Resume
{
    /// <summary>Goes on where the newest checkpoint left off, if there is one; starts otherwise.</summary>
    Auto,

    /// <summary>Starts anew. Checkpoints of an earlier run in the folder are deleted when the first of this run is written.</summary>
    Never,

    /// <summary>Goes on where the newest checkpoint left off; fails if there is none.</summary>
    Required,
}
