using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>The kernels, for one kind of number and one width of vectors.</summary>
internal sealed unsafe class WinogradKernels<TElement, TLanes> : WinogradKernels
    where TElement : unmanaged, IElement<TElement>
    where TLanes : struct, ILanes<TLanes>
{
    // Half a megabyte between the transforms, up to 64 channels. Fewer tiles than 64 would read the filters too often.
    private const int BlockValues = 64 * 64, FewestTiles = 64;

    private WinogradKernels()
    {
    }

    public static WinogradKernels<TElement, TLanes> Instance { get; } = new();

    public override int ElementSize => sizeof(TElement);

    public override nint FilterFloats(int channels, int filters) =>
        Math.Max(InPanels(null, channels, filters).Floats, InPanels(null, filters, channels).Floats);

    public override nint RoomFor(WinogradShape shape) =>
        RowOfZeros(shape) + Tiles(null, shape, shape.Channels).Floats + Tiles(null, shape, shape.Filters).Floats
        + FilterFloats(shape.Channels, shape.Filters);

    public override void TransformFilters(float* w, int channels, int filters, int first, int end, float* u) =>
        FilterTransforms<TElement, TLanes>.OfFilters(w, channels, first, end, InPanels(u, channels, filters));

    public override void TransformTurnedFilters(float* w, int channels, int filters, int first, int end, float* u) =>
        FilterTransforms<TElement, TLanes>.OfTurnedFilters(w, channels, first, end, InPanels(u, filters, channels));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Convolve(void* x, float* u, void* y, WinogradShape shape, float* room)
    {
        var (channels, filters) = (shape.Channels, shape.Filters);
        var inputs = Tiles(room + ClearRowOfZeros(shape, room), shape, channels);
        var results = Tiles(inputs.End, shape, filters);
        var transformed = InPanels(u, channels, filters);
        var (rows, blockRows) = (shape.Images * shape.TileRows, BlockRows(shape));
        for (var row = 0; row < rows; row += blockRows)
        {
            var count = Math.Min(blockRows, rows - row);
            TileTransforms<TElement, TLanes>.OfImages((TElement*)x, shape, row, count, room, inputs);
            for (var p = 0; p < Positions; p++)
            {
                MatrixProduct<TLanes>.Multiply(
                    inputs[p], transformed[p], results[p], count * shape.TileColumns, channels, filters);
            }

            TileTransforms<TElement, TLanes>.ToResults(results, shape, row, count, (TElement*)y);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void FiltersGradient(void* x, void* g, void* target, WinogradShape shape, float* room)
    {
        var (channels, filters) = (shape.Channels, shape.Filters);
        var inputs = Tiles(room + ClearRowOfZeros(shape, room), shape, channels);
        var gradients = Tiles(inputs.End, shape, filters);
        var sums = InPanels(gradients.End, filters, channels);
        sums.Clear();
        var (rows, blockRows) = (shape.Images * shape.TileRows, BlockRows(shape));
        for (var row = 0; row < rows; row += blockRows)
        {
            var count = Math.Min(blockRows, rows - row);
            TileTransforms<TElement, TLanes>.OfImages((TElement*)x, shape, row, count, room, inputs);
            TileTransforms<TElement, TLanes>.OfGradients((TElement*)g, shape, row, count, gradients);
            for (var p = 0; p < Positions; p++)
            {
                MatrixProduct<TLanes>.AddTransposed(gradients[p], inputs[p], sums[p], filters, count * shape.TileColumns, channels);
            }
        }

        FilterTransforms<TElement, TLanes>.ToGradient(sums, channels, filters, (TElement*)target);
    }

    private static PositionPanels InPanels(float* start, int rows, int columns) =>
        new(start, rows, columns, MatrixProduct<TLanes>.PanelColumns(columns));

    // Transformed tiles of as many rows as are computed at once.
    private static PositionPanels Tiles(float* start, WinogradShape shape, int channels)
    {
        const int Multiple = MatrixProduct<TLanes>.RowMultiple;
        var tiles = BlockRows(shape) * shape.TileColumns;
        return InPanels(start, (tiles + Multiple - 1) / Multiple * Multiple, channels);
    }

    private static int BlockRows(WinogradShape shape)
    {
        var tiles = Math.Max(FewestTiles, BlockValues / Math.Max(shape.Channels, shape.Filters));
        return Math.Max(1, tiles / shape.TileColumns);
    }

    private static nint RowOfZeros(WinogradShape shape) => (nint)shape.Width * Math.Max(shape.Channels, shape.Filters);

    // Pixels above and below an image.
    private static nint ClearRowOfZeros(WinogradShape shape, float* room)
    {
        var count = RowOfZeros(shape);
        new Span<float>(room, (int)count).Clear();
        return count;
    }
}
