using System.Collections.Immutable;

namespace Microsoft.ML.ResNet;

/// <summary>What a weight tensor is for; decides its initial values and whether training changes it.</summary>
public enum WeightRole
{
    /// <summary>Filters, shaped [out, in / groups, height, width].</summary>
    ConvolutionWeight,

    /// <summary>A bias per output channel; only squeeze-and-excitation has it.</summary>
    ConvolutionBias,

    /// <summary>Batch normalization's scale γ, one per channel.</summary>
    BatchNormWeight,

    /// <summary>Batch normalization's shift β, one per channel.</summary>
    BatchNormBias,

    /// <summary>Batch normalization's running mean, one per channel. A statistic, not a parameter.</summary>
    RunningMean,

    /// <summary>Batch normalization's running variance, one per channel. A statistic, not a parameter.</summary>
    RunningVariance,

    /// <summary>The head's matrix, shaped [classes, features].</summary>
    LinearWeight,

    /// <summary>The head's bias, one per class.</summary>
    LinearBias,
}

/// <summary>The name and shape of one tensor of a network's state dictionary.</summary>
/// <param name="Name">PyTorch's name: <c>layer1.0.conv1.weight</c>.</param>
/// <param name="Role">What the tensor is for.</param>
/// <param name="Shape">Its dimensions.</param>
public sealed record WeightSpec(string Name, WeightRole Role, ImmutableArray<int> Shape)
{
    /// <summary>Gets the number of values.</summary>
    /// <value>The product of the dimensions.</value>
    public int Size => Shape.Aggregate(1, (product, dimension) => checked(product * dimension));

    /// <summary>Gets whether training changes the tensor by gradient.</summary>
    /// <value><see langword="false"/> for running statistics only.</value>
    public bool IsParameter => Role is not (WeightRole.RunningMean or WeightRole.RunningVariance);
}
