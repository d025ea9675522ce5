using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>The transforms of <see cref="WinogradKernels"/> between images and tiles, for some rows of tiles.</summary>
/// <remarks>A row of a transformed matrix is a tile, and a column is a channel.</remarks>
internal static unsafe class TileTransforms<TElement, TLanes>
    where TElement : unmanaged, IElement<TElement>
    where TLanes : struct, ILanes<TLanes>
{
    /// <summary>Transforms images, Bᵀ d B.</summary>
    /// <param name="x">[images, height, width, channels].</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="firstRow">The first row of tiles, counted through all images.</param>
    /// <param name="rows">The rows of tiles.</param>
    /// <param name="zeros">A row of an image that is all zeros: what lies above and below an image.</param>
    /// <param name="target">[tiles, channels].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OfImages(TElement* x, in WinogradShape shape, int firstRow, int rows, float* zeros, PositionPanels target)
    {
        // Bᵀ = [1 0 −1 0; 0 1 1 0; 0 −1 1 0; 0 1 0 −1]. Neighbours share two columns of pixels.
        var (width, channels) = (shape.Width, shape.Channels);
        var line = (nint)width * channels;
        var (position, next) = (target.PositionDistance, target.PanelColumns);
        for (var r = 0; r < rows; r++)
        {
            var (image, row) = Math.DivRem(firstRow + r, shape.TileRows);
            var y = 2 * row;
            var second = x + ((nint)image * shape.Height + y) * line;
            var first = y > 0 ? second - line : (TElement*)zeros;
            var third = y + 1 < shape.Height ? second + line : (TElement*)zeros;
            var fourth = y + 2 < shape.Height ? second + 2 * line : (TElement*)zeros;
            for (var c = 0; c < channels; c += TLanes.Count)
            {
                // By column of the tile: a is the one before its two pixels, d the one after them.
                TLanes a0 = default, a1 = default, a2 = default, a3 = default;
                Column(first + c, second + c, third + c, fourth + c, out var b0, out var b1, out var b2, out var b3);
                var to = target.At(r * shape.TileColumns, c);
                nint at = c;
                for (var left = 0; left < width; left += 2)
                {
                    TLanes c0 = default, c1 = default, c2 = default, c3 = default, d0 = default, d1 = default, d2 = default, d3 = default;
                    at += channels;
                    if (left + 1 < width)
                    {
                        Column(first + at, second + at, third + at, fourth + at, out c0, out c1, out c2, out c3);
                    }

                    at += channels;
                    if (left + 2 < width)
                    {
                        Column(first + at, second + at, third + at, fourth + at, out d0, out d1, out d2, out d3);
                    }

                    Row(a0, b0, c0, d0, to, position);
                    Row(a1, b1, c1, d1, to + 4 * position, position);
                    Row(a2, b2, c2, d2, to + 8 * position, position);
                    Row(a3, b3, c3, d3, to + 12 * position, position);
                    (a0, a1, a2, a3) = (c0, c1, c2, c3);
                    (b0, b1, b2, b3) = (d0, d1, d2, d3);
                    to += next;
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Column(
            TElement* first, TElement* second, TElement* third, TElement* fourth, out TLanes a, out TLanes b, out TLanes c, out TLanes d)
        {
            TLanes p = Load(first), q = Load(second), r = Load(third), s = Load(fourth);
            (a, b, c, d) = (p - r, q + r, r - q, q - s);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Row(TLanes a, TLanes b, TLanes c, TLanes d, float* to, nint position)
        {
            TLanes.Store(a - c, to);
            TLanes.Store(b + c, to + position);
            TLanes.Store(c - b, to + 2 * position);
            TLanes.Store(b - d, to + 3 * position);
        }
    }

    /// <summary>Transforms products of tiles to results, Aᵀ m A.</summary>
    /// <param name="tiles">[tiles, filters].</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="firstRow">The first row of tiles, counted through all images.</param>
    /// <param name="rows">The rows of tiles.</param>
    /// <param name="y">[images, height, width, filters].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToResults(PositionPanels tiles, in WinogradShape shape, int firstRow, int rows, TElement* y)
    {
        // Aᵀ = [1 1 1 0; 0 1 −1 −1].
        var (width, filters) = (shape.Width, shape.Filters);
        var (position, distance, columns) = (tiles.PositionDistance, tiles.PanelDistance, tiles.PanelColumns);
        for (var r = 0; r < rows; r++)
        {
            FindRow(y, shape, firstRow + r, out var top, out var bottom);
            var tile = tiles.At(r * shape.TileColumns, 0);
            for (var left = 0; left < width; left += 2, tile += columns)
            {
                var isWhole = left + 1 < width;
                var at = left * (nint)filters;
                var panel = tile;
                for (var k = 0; k < filters; k += columns, panel += distance)
                {
                    for (var from = panel; from < panel + columns; from += TLanes.Count, at += TLanes.Count)
                    {
                        Row(from, position, out var a0, out var b0);
                        Row(from + 4 * position, position, out var a1, out var b1);
                        Row(from + 8 * position, position, out var a2, out var b2);
                        Row(from + 12 * position, position, out var a3, out var b3);
                        Store(a0 + a1 + a2, top + at);
                        if (isWhole)
                        {
                            Store(b0 + b1 + b2, top + at + filters);
                        }

                        if (bottom is null)
                        {
                            continue;
                        }

                        Store(a1 - a2 - a3, bottom + at);
                        if (isWhole)
                        {
                            Store(b1 - b2 - b3, bottom + at + filters);
                        }
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Row(float* m, nint position, out TLanes a, out TLanes b)
        {
            TLanes second = TLanes.Load(m + position), third = TLanes.Load(m + 2 * position);
            a = TLanes.Load(m) + second + third;
            b = second - third - TLanes.Load(m + 3 * position);
        }
    }

    /// <summary>Transforms gradients of results, A y Aᵀ.</summary>
    /// <param name="g">[images, height, width, filters].</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="firstRow">The first row of tiles, counted through all images.</param>
    /// <param name="rows">The rows of tiles.</param>
    /// <param name="target">[tiles, filters].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OfGradients(TElement* g, in WinogradShape shape, int firstRow, int rows, PositionPanels target)
    {
        var (width, filters) = (shape.Width, shape.Filters);
        var (position, distance, columns) = (target.PositionDistance, target.PanelDistance, target.PanelColumns);
        for (var r = 0; r < rows; r++)
        {
            FindRow(g, shape, firstRow + r, out var top, out var bottom);
            var tile = target.At(r * shape.TileColumns, 0);
            for (var left = 0; left < width; left += 2, tile += columns)
            {
                var isWhole = left + 1 < width;
                var at = left * (nint)filters;
                var panel = tile;
                for (var k = 0; k < filters; k += columns, panel += distance)
                {
                    for (var to = panel; to < panel + columns; to += TLanes.Count, at += TLanes.Count)
                    {
                        TLanes a = Load(top + at), b = default, c = default, d = default;
                        if (isWhole)
                        {
                            b = Load(top + at + filters);
                        }

                        if (bottom is not null)
                        {
                            c = Load(bottom + at);
                            d = isWhole ? Load(bottom + at + filters) : default;
                        }

                        Row(a, b, to, position);
                        Row(a + c, b + d, to + 4 * position, position);
                        Row(a - c, b - d, to + 8 * position, position);
                        Row(default(TLanes) - c, default(TLanes) - d, to + 12 * position, position);
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Row(TLanes a, TLanes b, float* to, nint position)
        {
            TLanes.Store(a, to);
            TLanes.Store(a + b, to + position);
            TLanes.Store(a - b, to + 2 * position);
            TLanes.Store(default(TLanes) - b, to + 3 * position);
        }
    }

    // The two rows of results under a row of tiles; the second is null where it is outside the image.
    private static void FindRow(TElement* y, in WinogradShape shape, int rowOfTiles, out TElement* top, out TElement* bottom)
    {
        var (image, row) = Math.DivRem(rowOfTiles, shape.TileRows);
        var line = (nint)shape.Width * shape.Filters;
        top = y + ((nint)image * shape.Height + 2 * row) * line;
        bottom = 2 * row + 1 < shape.Height ? top + line : null;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Load(TElement* source) => TElement.Load<TLanes>(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TLanes value, TElement* target) => TElement.Store(value, target);
}
