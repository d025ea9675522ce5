namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>
/// A matrix of floats in panels: some columns of the first row, the same columns of the next rows, and then the next columns of all rows.
/// So whoever walks down a few columns reads one float after another, however wide the matrix is.
/// </summary>
/// <param name="start">The first float.</param>
/// <param name="distance">The floats from one panel to the next.</param>
/// <param name="columns">The columns of a panel.</param>
internal readonly unsafe struct Panels(float* start, nint distance, int columns)
{
    /// <summary>Gets the columns of a panel.</summary>
    public int Columns => columns;

    /// <summary>Gets the floats from one panel to the next.</summary>
    public nint Distance => distance;

    /// <summary>Gets where a panel starts.</summary>
    public float* this[int panel] => start + panel * distance;
}
