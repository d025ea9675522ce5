using System.Collections.Immutable;

namespace Microsoft.ML.ResNet;

/// <summary>One named tensor of float values, in row-major order.</summary>
public sealed class WeightTensor
{
    /// <summary>Initializes a tensor over values that it does not copy.</summary>
    /// <param name="name">The name in the state dictionary.</param>
    /// <param name="shape">The dimensions.</param>
    /// <param name="values">The values in row-major order.</param>
    /// <exception cref="ArgumentException">The number of values is not the product of the dimensions.</exception>
    public WeightTensor(string name, ImmutableArray<int> shape, ReadOnlyMemory<float> values)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var size = shape.Aggregate(1L, (product, dimension) => checked(product * dimension));
        if (size != values.Length)
        {
            throw new ArgumentException(
                $"Tensor '{name}' is shaped [{string.Join(", ", shape)}], which is {size} values, but {values.Length} were given.",
                nameof(values));
        }

        Name = name;
        Shape = shape;
        Values = values;
    }

    /// <summary>Gets the name in the state dictionary.</summary>
    /// <value>For example <c>layer1.0.conv1.weight</c>.</value>
    public string Name { get; }

    /// <summary>Gets the dimensions.</summary>
    /// <value>Convolutions: [out, in, height, width]. The head: [classes, features].</value>
    public ImmutableArray<int> Shape { get; }

    /// <summary>Gets the values.</summary>
    /// <value>In row-major order.</value>
    public ReadOnlyMemory<float> Values { get; }
}
