using System.Collections.Immutable;

namespace Microsoft.ML.ResNet;

/// <summary>What a network says of one image.</summary>
public sealed class ResNetPrediction
{
    private readonly float[] _probabilities;
    private readonly int _likeliest;

    internal ResNetPrediction(ImmutableArray<string> classNames, float[] probabilities, string? path, float? unknownThreshold = null)
    {
        (ClassNames, _probabilities, Path) = (classNames, probabilities, path);
        for (var i = 1; i < probabilities.Length; i++)
        {
            _likeliest = probabilities[i] > probabilities[_likeliest] ? i : _likeliest;
        }

        IsUnknown = probabilities[_likeliest] <= unknownThreshold; // false where there is none
    }

    /// <summary>Gets the file of the image.</summary>
    /// <value>The path as it was given; <see langword="null"/> for an image that came as a stream, as bytes or decoded.</value>
    public string? Path { get; }

    /// <summary>Gets the likeliest class.</summary>
    /// <value>A name of <see cref="ClassNames"/>; of several that are equally likely, the first.</value>
    public string Label => ClassNames[_likeliest];

    /// <summary>Gets how likely that class is.</summary>
    /// <value>0 to 1.</value>
    public float Probability => _probabilities[_likeliest];

    /// <summary>Gets whether the image is taken for one that belongs to none of the classes.</summary>
    /// <value>
    /// What the column <c>IsUnknown</c> of the same model holds; <see langword="false"/> for a model that was not trained with
    /// <c>RejectUnknown</c>.
    /// </value>
    public bool IsUnknown { get; }

    /// <summary>Gets the names of all classes.</summary>
    /// <value>In the order of <see cref="Probabilities"/>.</value>
    public ImmutableArray<string> ClassNames { get; }

    /// <summary>Gets the probability of each class.</summary>
    /// <value>What ML.NET's column <c>Score</c> holds.</value>
    public ReadOnlyMemory<float> Probabilities => _probabilities;

    /// <summary>Gets the likeliest classes.</summary>
    /// <param name="count">How many; more than there are classes gives all of them.</param>
    /// <returns>The classes, the likeliest first; of equals, the one that comes first in <see cref="ClassNames"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The number is not positive.</exception>
    public ImmutableArray<ClassProbability> Top(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        return
        [
            .. _probabilities.Index().OrderByDescending(each => each.Item).Take(count)
                .Select(each => new ClassProbability(ClassNames[each.Index], each.Item)),
        ];
    }

    /// <summary>Gets the classes whose probability is above a threshold: the labels of an image that has any number of them.</summary>
    /// <param name="threshold">0 to 1. At 0.5, these are the labels that ML.NET's column <c>PredictedLabel</c> holds.</param>
    /// <returns>The classes, the likeliest first; none where no probability is above the threshold.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The threshold is not from 0 to 1.</exception>
    public ImmutableArray<ClassProbability> Above(float threshold = 0.5f) => threshold is >= 0 and <= 1
        ? [.. Top(_probabilities.Length).TakeWhile(each => each.Probability > threshold)]
        : throw new ArgumentOutOfRangeException(nameof(threshold), threshold, "The threshold must be a probability, from 0 to 1.");

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Label} ({Probability:p1})");
}
