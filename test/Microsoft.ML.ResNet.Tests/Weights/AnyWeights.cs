namespace Microsoft.ML.ResNet.Tests.Weights;

/// <summary>
/// Weights for tests that look at names and shapes: all tensors share the same values, so that
/// those of the widest network are there at once.
/// </summary>
internal static class AnyWeights
{
    private static float[] s_values = [];

    public static ResNetWeights For(LayerPlan plan)
    {
        var largest = plan.Weights.Max(spec => spec.Size);
        if (s_values.Length < largest)
        {
            s_values = new float[largest];
            Array.Fill(s_values, 0.01f); // a variance must not be negative
        }

        return new ResNetWeights(plan.Weights.Select(spec => new WeightTensor(spec.Name, spec.Shape, s_values.AsMemory(0, spec.Size))));
    }
}
