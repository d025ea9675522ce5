namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>How far a layer is from the head: what transfer learning freezes and slows down by.</summary>
internal static class LayerDepth
{
    /// <summary>Gets the first layer that is trained in an epoch; those before it are frozen.</summary>
    /// <param name="plan">The network.</param>
    /// <param name="trainable">The part that is trained in the end.</param>
    /// <param name="epoch">The epoch, counted from 1.</param>
    /// <param name="epochsPerUnfreezing">The epochs after which one more stage is trained; 0 for all at once.</param>
    public static int FirstTrained(LayerPlan plan, TrainableLayers trainable, int epoch, int epochsPerUnfreezing)
    {
        var stages = plan.Architecture.Depths.Length;
        var firstStage = trainable switch
        {
            TrainableLayers.Head => stages + 1,
            TrainableLayers.LastStage => stages,
            _ => 0,
        };
        if (epochsPerUnfreezing > 0)
        {
            firstStage = Math.Max(firstStage, stages + 1 - (epoch - 1) / epochsPerUnfreezing);
        }

        return firstStage == 0 ? 0 : Enumerable.Range(0, plan.Layers.Length).First(layer => plan.Layers[layer].Stage >= firstStage);
    }

    /// <summary>
    /// Gets, for each parameter of the plan, what its learning rate is multiplied by: the decay to the power of the blocks between it and
    /// the head.
    /// </summary>
    public static double[] RateScales(LayerPlan plan, double decay) =>
    [
        .. plan.Layers.SelectMany(layer => layer.Weights
            .Where(weight => weight.IsParameter)
            .Select(_ => Math.Pow(decay, plan.Head.Block - layer.Block))),
    ];

    /// <summary>Gets the index of the layer that holds a stage's result, the only one that layers after the stage read.</summary>
    /// <param name="plan">The network.</param>
    /// <param name="stage">The stage, counted from 1.</param>
    public static int EndOfStage(LayerPlan plan, int stage) =>
        Enumerable.Range(0, plan.Layers.Length).Last(layer => plan.Layers[layer].Stage == stage);
}
