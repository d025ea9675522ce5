namespace Microsoft.ML.ResNet.Trainers;

/// <summary>How a chart looks.</summary>
public sealed record PlotOptions
{
    /// <summary>Gets the heading above the chart.</summary>
    /// <value>The default is <see langword="null"/>: none.</value>
    public string? Title { get; init; }

    /// <summary>Gets the width of the image.</summary>
    /// <value>In CSS pixels, 1/96 inch, at least 200; a PNG has two dots for each. The default is 800.</value>
    public int Width { get; init; } = 800;

    /// <summary>Gets the height of the image.</summary>
    /// <value>In CSS pixels, at least 150. The default is 500.</value>
    public int Height { get; init; } = 500;

    /// <summary>Gets what the horizontal axis of <see cref="TrainingCurves"/> counts.</summary>
    /// <value>The default is <see cref="CurveAxis.Auto"/>.</value>
    public CurveAxis Axis { get; init; } = CurveAxis.Auto;

    /// <summary>Gets what <see cref="TrainingCurves"/> draws.</summary>
    /// <value>The default is <see cref="CurveValue.Error"/>.</value>
    public CurveValue Value { get; init; } = CurveValue.Error;

    /// <summary>Gets the value at the top of the vertical axis; what lies above it is not drawn.</summary>
    /// <value>Greater than 0. The default is <see langword="null"/>: the largest value there is.</value>
    public double? Maximum { get; init; }

    /// <summary>Gets whether the chart is drawn for dark surroundings.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool Dark { get; init; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Width, 200, nameof(Width));
        ArgumentOutOfRangeException.ThrowIfLessThan(Height, 150, nameof(Height));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Width, 10_000, nameof(Width));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Height, 10_000, nameof(Height));
        if (!Enum.IsDefined(Axis) || !Enum.IsDefined(Value))
        {
            throw new ArgumentOutOfRangeException(nameof(Axis), $"{Axis} and {Value} must be values of CurveAxis and CurveValue.");
        }

        if (Maximum is { } maximum && !(maximum > 0 && double.IsFinite(maximum)))
        {
            throw new ArgumentOutOfRangeException(
                nameof(Maximum), maximum, "The top of the vertical axis must be a finite number greater than 0.");
        }
    }
}
