namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>What <see cref="WinogradKernels"/> transforms, or computes with it: a matrix in panels for each position of a tile.</summary>
/// <remarks>
/// Panels and positions are a few floats further apart than their size: addresses that differ by a multiple of 4 kB push each other out of
/// the first cache.
/// </remarks>
/// <param name="start">The first float.</param>
/// <param name="positions">The positions.</param>
/// <param name="rows">The rows of a matrix.</param>
/// <param name="columns">The columns.</param>
/// <param name="panelColumns">The columns of a panel.</param>
internal readonly unsafe struct PositionPanels(float* start, int positions, int rows, int columns, int panelColumns)
{
    private const int Gap = 16;

    /// <summary>Gets the columns of a panel.</summary>
    public int PanelColumns => panelColumns;

    /// <summary>Gets the floats from one panel to the next.</summary>
    public nint PanelDistance => (nint)rows * panelColumns + Gap;

    /// <summary>Gets the floats from one position to the next.</summary>
    public nint PositionDistance => columns / panelColumns * PanelDistance + Gap;

    /// <summary>Gets all floats.</summary>
    public nint Floats => positions * PositionDistance;

    /// <summary>Gets where they end.</summary>
    public float* End => start + Floats;

    /// <summary>Gets the matrix of a position.</summary>
    public Panels this[int position] => new(start + position * PositionDistance, PanelDistance, panelColumns);

    /// <summary>Gets where a float of the first position lies.</summary>
    public float* At(int row, int column) =>
        start + column / panelColumns * PanelDistance + (nint)row * panelColumns + column % panelColumns;
}
