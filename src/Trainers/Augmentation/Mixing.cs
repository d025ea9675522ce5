namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>PLACEHOLDER until the augmentation branch is merged.</summary>
internal sealed class Mixing(double mixup, double cutMix)
{
    public float Apply(Span<float> images, int count, ImageShape shape, Random random) => mixup + cutMix > 0 ? throw new NotSupportedException() : 1;
}
