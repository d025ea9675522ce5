using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>The kernels, for one kind of number, one width of vectors and one size of tiles.</summary>
internal sealed unsafe class WinogradKernels<TElement, TLanes, TTiles> : WinogradKernels
    where TElement : unmanaged, IElement<TElement>
    where TLanes : struct, ILanes<TLanes>
    where TTiles : struct, ITileTransforms<TElement>
{
    // Half a megabyte between the transforms, up to 64 channels. Fewer tiles than 64 would read the filters too often.
    private const int BlockValues = 16 * 64 * 64, FewestTiles = 64;

    private WinogradKernels()
    {
    }

    public static WinogradKernels<TElement, TLanes, TTiles> Instance { get; } = new();

    public override int ElementSize => sizeof(TElement);

    public override nint FilterFloats(int channels, int filters) =>
        Math.Max(InPanels(null, channels, filters).Floats, InPanels(null, filters, channels).Floats);

    public override nint RoomFor(WinogradShape shape) =>
        RowOfZeros(shape) + Tiles(null, GradientBlockRows(shape), shape, shape.Channels).Floats
        + Tiles(null, GradientBlockRows(shape), shape, shape.Filters).Floats + FilterFloats(shape.Channels, shape.Filters);

    public override void TransformFilters(float* w, int channels, int filters, int first, int end, float* u) =>
        FilterTransforms<TElement, TLanes, TTiles>.OfFilters(w, channels, first, end, InPanels(u, channels, filters));

    public override void TransformTurnedFilters(float* w, int channels, int filters, int first, int end, float* u) =>
        FilterTransforms<TElement, TLanes, TTiles>.OfTurnedFilters(w, channels, first, end, InPanels(u, filters, channels));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Convolve(void* x, float* u, void* y, WinogradShape shape, float* room)
    {
        var (channels, filters) = (shape.Channels, shape.Filters);
        var (rows, blockRows) = (shape.Images * shape.TileRows(TTiles.Side), BlockRows(shape, FewestTiles));
        var inputs = Tiles(room + ClearRowOfZeros(shape, room), blockRows, shape, channels);
        var results = Tiles(inputs.End, blockRows, shape, filters);
        var transformed = InPanels(u, channels, filters);
        for (var row = 0; row < rows; row += blockRows)
        {
            var count = Math.Min(blockRows, rows - row);
            TTiles.OfImages((TElement*)x, shape, row, count, room, inputs);
            for (var p = 0; p < Positions; p++)
            {
                MatrixProduct<TLanes>.Multiply(
                    inputs[p], transformed[p], results[p], count * shape.TileColumns(TTiles.Side), channels, filters);
            }

            ResultTransforms<TElement, TLanes, TTiles>.ToResults(results, shape, row, count, (TElement*)y);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void FiltersGradient(void* x, void* g, void* target, WinogradShape shape, float* room)
    {
        var (channels, filters) = (shape.Channels, shape.Filters);
        if (shape.Images == 0)
        {
            new Span<TElement>(target, filters * 3 * 3 * channels).Clear();
            return;
        }

        var (rows, blockRows) = (shape.Images * shape.TileRows(TTiles.Side), GradientBlockRows(shape));
        var inputs = Tiles(room + ClearRowOfZeros(shape, room), blockRows, shape, channels);
        var gradients = Tiles(inputs.End, blockRows, shape, filters);
        var sums = InPanels(gradients.End, filters, channels);
        for (var row = 0; row < rows; row += blockRows)
        {
            var count = Math.Min(blockRows, rows - row);
            TTiles.OfImages((TElement*)x, shape, row, count, room, inputs);
            ResultTransforms<TElement, TLanes, TTiles>.OfGradients((TElement*)g, shape, row, count, gradients);
            var tiles = count * shape.TileColumns(TTiles.Side);
            for (var p = 0; p < Positions; p++)
            {
                MatrixProduct<TLanes>.MultiplyTransposed(gradients[p], inputs[p], sums[p], filters, tiles, channels, adds: row > 0);
            }
        }

        FilterTransforms<TElement, TLanes, TTiles>.ToGradient(sums, channels, filters, (TElement*)target);
    }

    private static int Positions => (TTiles.Side + 2) * (TTiles.Side + 2);

    private static PositionPanels InPanels(float* start, int rows, int columns) =>
        new(start, Positions, rows, columns, MatrixProduct<TLanes>.PanelColumns(columns));

    private static PositionPanels Tiles(float* start, int rows, WinogradShape shape, int channels)
    {
        const int Multiple = MatrixProduct<TLanes>.RowMultiple;
        var tiles = rows * shape.TileColumns(TTiles.Side);
        return InPanels(start, (tiles + Multiple - 1) / Multiple * Multiple, channels);
    }

    // Each block reads and writes the sums: so the more of them, the more tiles are added at once.
    private static int GradientBlockRows(WinogradShape shape) =>
        BlockRows(shape, Math.Max(FewestTiles, Math.Min(shape.Channels, shape.Filters) / 2));

    private static int BlockRows(WinogradShape shape, int fewestTiles)
    {
        var tiles = Math.Max(fewestTiles, BlockValues / (Positions * Math.Max(shape.Channels, shape.Filters)));
        return Math.Max(1, tiles / shape.TileColumns(TTiles.Side));
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
