namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>A batch, by where its values lie.</summary>
internal sealed unsafe class StepBatch
{
    /// <summary>Gets or sets the images.</summary>
    public int Count { get; set; }

    /// <summary>Gets or sets the images whose statistics normalize: all, or those of this process.</summary>
    public int StatisticsCount { get; set; }

    /// <summary>Gets or sets whether it is the first of as many images of this shape.</summary>
    public bool IsNew { get; set; }

    /// <summary>Gets or sets the normalized pixels, [count, height, width, channels].</summary>
    public float* Pixels { get; set; }

    /// <summary>Gets or sets the classes, [count].</summary>
    public long* Labels { get; set; }

    /// <summary>Gets or sets the weights in the loss, [count]; null for ones.</summary>
    public float* Weights { get; set; }

    /// <summary>Gets or sets the share of each image that is its own; the rest is the image's before it.</summary>
    public float OwnShare { get; set; }

    /// <summary>Gets or sets the batches whose gradients are added up for a step of the optimizer.</summary>
    public int BatchesInStep { get; set; }

    /// <summary>Gets or sets whether gradients are added to those of the batch before.</summary>
    public bool Accumulates { get; set; }

    /// <summary>Gets or sets what the residual of each addition is multiplied by, [additions, count]; null for ones.</summary>
    public float* Keep { get; set; }
}
