namespace Microsoft.ML.ResNet;

public sealed partial class ResNetWeights
{
    internal ResNetWeights For(LayerPlan plan, bool strict = true) => throw new NotSupportedException();
}
