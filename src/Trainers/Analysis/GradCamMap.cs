using System.Collections.Immutable;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Trainers.Analysis;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>
/// Where in an image a network found a class: a Grad-CAM heat map (Selvaraju et al., 2017, https://arxiv.org/abs/1610.02391).
/// </summary>
public sealed class GradCamMap
{
    private readonly ExplainedImage _image;

    internal GradCamMap(ExplainedImage image, string className, double probability, int height, int width, ImmutableArray<float> values)
    {
        _image = image;
        ClassName = className;
        Probability = probability;
        Height = height;
        Width = width;
        Values = values;
    }

    /// <summary>Gets the class that the map explains.</summary>
    /// <value>The one asked for, or the one predicted.</value>
    public string ClassName { get; }

    /// <summary>Gets the probability that the network gives the class.</summary>
    /// <value>From 0 to 1: the model's own Score.</value>
    public double Probability { get; }

    /// <summary>Gets the number of the map's rows.</summary>
    /// <value>The height of the explained stage's results: 7 in the last stage of a network that reads 224×224.</value>
    public int Height { get; }

    /// <summary>Gets the number of the map's columns.</summary>
    /// <value>The width of the explained stage's results.</value>
    public int Width { get; }

    /// <summary>Gets the heat, row by row from the top, and within a row from the left.</summary>
    /// <value>From 0 to 1. The hottest place is 1; all are 0 where nothing in the image speaks for the class.</value>
    public ImmutableArray<float> Values { get; }

    /// <summary>Gets the heat of one place.</summary>
    /// <param name="row">The row, from the top.</param>
    /// <param name="column">The column, from the left.</param>
    /// <returns>From 0 to 1.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row or column.</exception>
    public float this[int row, int column]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Height, nameof(row));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)column, (uint)Width, nameof(column));
            return Values[row * Width + column];
        }
    }

    /// <summary>Draws the map over the image, in its own size.</summary>
    /// <remarks>
    /// The map lies over the part that the network saw, the middle of an image whose proportions are not the network's; what is around it
    /// is left as it is. Between its places the heat is interpolated linearly, as in the paper. The colours, from violet over teal to
    /// yellow, are "viridis". Where there is heat, the image beneath turns gray, so that they can be told from its own colours.
    /// </remarks>
    /// <param name="opacity">How much of the image the greatest heat hides, from 0 to 1; less heat hides less, and none nothing.</param>
    /// <returns>A new image, which the caller disposes of; <see cref="MLImage.Save"/> writes it to a file.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The opacity is not between 0 and 1.</exception>
    public MLImage Overlay(double opacity = 0.7) => opacity is >= 0 and <= 1
        ? _image.Overlay(Values.AsSpan(), Height, Width, opacity)
        : throw new ArgumentOutOfRangeException(nameof(opacity), opacity, "The opacity must be between 0 and 1.");
}
