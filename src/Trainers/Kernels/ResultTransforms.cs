using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>Walks over the results of rows of tiles: transforms products to results, or gradients of results.</summary>
internal static unsafe class ResultTransforms<TElement, TLanes, TTiles>
    where TElement : unmanaged, IElement<TElement>
    where TLanes : struct, ILanes<TLanes>
    where TTiles : struct, ITileTransforms<TElement>
{
    /// <summary>Transforms products of tiles to results.</summary>
    /// <param name="tiles">[tiles, filters].</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="firstRow">The first row of tiles, counted through all images.</param>
    /// <param name="rows">The rows of tiles.</param>
    /// <param name="y">[images, height, width, filters].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToResults(PositionPanels tiles, in WinogradShape shape, int firstRow, int rows, TElement* y) =>
        Transform<No>(tiles, shape, firstRow, rows, y);

    /// <summary>Transforms gradients of results.</summary>
    /// <param name="g">[images, height, width, filters].</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="firstRow">The first row of tiles, counted through all images.</param>
    /// <param name="rows">The rows of tiles.</param>
    /// <param name="tiles">[tiles, filters].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OfGradients(TElement* g, in WinogradShape shape, int firstRow, int rows, PositionPanels tiles) =>
        Transform<Yes>(tiles, shape, firstRow, rows, g);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transform<TBack>(PositionPanels tiles, in WinogradShape shape, int firstRow, int rows, TElement* images)
        where TBack : struct, IFlag
    {
        var (width, filters, side) = (shape.Width, (nint)shape.Filters, TTiles.Side);
        var line = width * filters;
        var (position, distance, columns) = (tiles.PositionDistance, tiles.PanelDistance, tiles.PanelColumns);
        var (tileRows, tileColumns) = (shape.TileRows(side), shape.TileColumns(side));
        var between = stackalloc float[(TTiles.Side + 2) * TTiles.Side * TLanes.Count];
        for (var r = 0; r < rows; r++)
        {
            var (image, row) = Math.DivRem(firstRow + r, tileRows);
            var top = images + ((nint)image * shape.Height + side * row) * line;
            var height = Math.Min(side, shape.Height - side * row);
            var tile = tiles.At(r * tileColumns, 0);
            for (var left = 0; left < width; left += side, tile += columns)
            {
                var wide = Math.Min(side, width - left);
                var at = top + left * filters;
                var panel = tile;
                for (nint k = 0; k < filters; k += columns, panel += distance)
                {
                    for (var values = panel; values < panel + columns; values += TLanes.Count, at += TLanes.Count)
                    {
                        if (TBack.IsSet)
                        {
                            TTiles.OfGradients(at, filters, line, wide, height, values, position, between);
                        }
                        else
                        {
                            TTiles.ToResults(values, position, at, filters, line, wide, height, between);
                        }
                    }
                }
            }
        }
    }
}
