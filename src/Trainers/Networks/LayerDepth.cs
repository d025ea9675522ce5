namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>Where a layer sits between image and head, by its name: what transfer learning freezes and slows down by.</summary>
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

        return firstStage == 0 ? 0 : Enumerable.Range(0, plan.Layers.Length).First(layer => Stage(plan, plan.Layers[layer]) >= firstStage);
    }

    /// <summary>Gets, for each parameter of the plan, what its learning rate is multiplied by: the decay to the power of the blocks between it and the head.</summary>
    public static double[] RateScales(LayerPlan plan, double decay)
    {
        var blocks = plan.Layers.Select(Block).ToArray();
        var order = blocks.Distinct().Reverse().Index().ToDictionary(each => each.Item, each => each.Index);
        return [.. plan.Layers.SelectMany((layer, index) => layer.Weights.Where(weight => weight.IsParameter).Select(_ => Math.Pow(decay, order[blocks[index]])))];
    }

    /// <summary>Gets the index of the layer that holds a stage's result, the only one that layers after the stage read.</summary>
    /// <param name="plan">The network.</param>
    /// <param name="stage">The stage, counted from 1.</param>
    public static int EndOfStage(LayerPlan plan, int stage) => Enumerable.Range(0, plan.Layers.Length).Last(layer => Stage(plan, plan.Layers[layer]) == stage);

    // The stem is stage 0, "layer3.1.conv2" is in stage 3, and what follows the last stage goes with the head.
    private static int Stage(LayerPlan plan, Layer layer) => layer switch
    {
        { Name: ['l', 'a', 'y', 'e', 'r', var digit, '.', ..] } => digit - '0',
        LinearLayer or GlobalAveragePoolLayer { Name: "avgpool" } => plan.Architecture.Depths.Length + 1,
        { Name: "norm" or "relu_last" } => plan.Architecture.Depths.Length,
        _ => 0,
    };

    // "layer3.1.conv2" is in block "layer3.1"; the head is a block of its own, and so is the stem.
    private static string Block(Layer layer) => layer switch
    {
        { Name: ['l', 'a', 'y', 'e', 'r', ..] name } => string.Join('.', name.Split('.').Take(2)),
        LinearLayer => "head",
        { Name: "norm" or "relu_last" or "avgpool" } => "last",
        _ => "stem",
    };
}
