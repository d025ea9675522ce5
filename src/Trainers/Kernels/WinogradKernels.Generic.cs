using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>The kernels, for one kind of number and one width of vectors.</summary>
/// <remarks>
/// What is transformed lies position by position: [16][tiles, channels]. Positions are a few floats further apart than their size, since
/// stores to addresses that differ by a multiple of 4 kB push each other out of the first cache.
/// </remarks>
internal sealed unsafe class WinogradKernels<TElement, TLanes> : WinogradKernels
    where TElement : unmanaged, IElement<TElement>
    where TLanes : struct, ILanes<TLanes>
{
    private const int BlockTiles = 64; // at 64 channels half a megabyte between the transforms
    private const int Gap = 16;
    private const int Taps = 3 * 3;

    private WinogradKernels()
    {
    }

    public static WinogradKernels<TElement, TLanes> Instance { get; } = new();

    public override int ElementSize => sizeof(TElement);

    public override nint FilterFloats(int channels, int filters) => Positions * FilterPosition(channels, filters);

    public override nint RoomFor(WinogradShape shape) =>
        RowOfZeros(shape) + Positions * (PositionFloats(shape, shape.Channels) + PositionFloats(shape, shape.Filters))
        + FilterFloats(shape.Channels, shape.Filters);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformFilters(float* w, int channels, int filters, int first, int end, float* u)
    {
        // Of one filter the channels lie side by side; in a panel, of one channel the filters do. So a vector of filters is turned first.
        const int Block = ChannelMultiple;
        var panel = MatrixProduct<TLanes>.PanelColumns(filters);
        var position = FilterPosition(channels, filters);
        var turned = stackalloc float[Taps * Block * TLanes.Count];
        for (var filter = first; filter < end; filter += TLanes.Count)
        {
            var target = u + (nint)(filter / panel) * channels * panel + filter % panel;
            for (var c = 0; c < channels; c += Block)
            {
                for (var lane = 0; lane < TLanes.Count; lane++)
                {
                    var from = w + (nint)(filter + lane) * Taps * channels + c;
                    for (var tap = 0; tap < Taps; tap++, from += channels)
                    {
                        var to = turned + tap * Block * TLanes.Count + lane;
                        for (var channel = 0; channel < Block; channel++)
                        {
                            to[channel * TLanes.Count] = from[channel];
                        }
                    }
                }

                for (var channel = 0; channel < Block; channel++)
                {
                    var to = target + (nint)(c + channel) * panel;
                    TransformFilter(turned + channel * TLanes.Count, Block * TLanes.Count, turns: false, to, position);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformTurnedFilters(float* w, int channels, int filters, int first, int end, float* u)
    {
        var panel = MatrixProduct<TLanes>.PanelColumns(channels);
        var position = FilterPosition(channels, filters);
        for (var filter = first; filter < end; filter++)
        {
            for (var c = 0; c < channels; c += TLanes.Count)
            {
                var to = u + (nint)(c / panel) * filters * panel + (nint)filter * panel + c % panel;
                TransformFilter(w + (nint)filter * Taps * channels + c, channels, turns: true, to, position);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Convolve(void* x, float* u, void* y, WinogradShape shape, float* room)
    {
        var (channels, filters) = (shape.Channels, shape.Filters);
        nint ofInputs = PositionFloats(shape, channels), ofResults = PositionFloats(shape, filters);
        var inputs = room + ClearRowOfZeros(shape, room);
        var results = inputs + Positions * ofInputs;
        var (rows, blockRows) = (shape.Images * shape.TileRows, BlockRows(shape));
        for (var row = 0; row < rows; row += blockRows)
        {
            var count = Math.Min(blockRows, rows - row);
            TransformInputs((TElement*)x, shape, row, count, room, inputs, ofInputs);
            for (var p = 0; p < Positions; p++)
            {
                MatrixProduct<TLanes>.Compute<No>(
                    new Strided(inputs + p * ofInputs, channels, 1),
                    Panels(u + p * FilterPosition(channels, filters), channels, filters),
                    new Strided(results + p * ofResults, filters, 1),
                    count * shape.TileColumns,
                    channels,
                    filters);
            }

            TransformResults(results, ofResults, shape, row, count, (TElement*)y);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void FiltersGradient(void* x, void* g, void* target, WinogradShape shape, float* room)
    {
        var (channels, filters) = (shape.Channels, shape.Filters);
        nint ofInputs = PositionFloats(shape, channels), ofGradients = PositionFloats(shape, filters);
        var inputs = room + ClearRowOfZeros(shape, room);
        var gradients = inputs + Positions * ofInputs;
        var sums = gradients + Positions * ofGradients;
        new Span<float>(sums, (int)FilterFloats(channels, filters)).Clear();
        var (rows, blockRows) = (shape.Images * shape.TileRows, BlockRows(shape));
        var panel = MatrixProduct<TLanes>.PanelColumns(channels);
        for (var row = 0; row < rows; row += blockRows)
        {
            var count = Math.Min(blockRows, rows - row);
            TransformInputs((TElement*)x, shape, row, count, room, inputs, ofInputs);
            TransformGradients((TElement*)g, shape, row, count, gradients, ofGradients);
            for (var p = 0; p < Positions; p++)
            {
                MatrixProduct<TLanes>.Compute<Yes>(
                    new Strided(gradients + p * ofGradients, 1, filters),
                    new Strided(inputs + p * ofInputs, panel, channels),
                    new Strided(sums + p * FilterPosition(channels, filters), channels, 1),
                    filters,
                    count * shape.TileColumns,
                    channels);
            }
        }

        TransformSums(sums, channels, filters, (TElement*)target);
    }

    private static nint FilterPosition(int channels, int filters) => (nint)channels * filters + Gap;

    private static Strided Panels(float* u, int inner, int columns)
    {
        var panel = MatrixProduct<TLanes>.PanelColumns(columns);
        return new Strided(u, (nint)inner * panel, panel);
    }

    private static nint RowOfZeros(WinogradShape shape) => (nint)shape.Width * Math.Max(shape.Channels, shape.Filters);

    // Pixels above and below an image.
    private static nint ClearRowOfZeros(WinogradShape shape, float* room)
    {
        var count = RowOfZeros(shape);
        new Span<float>(room, (int)count).Clear();
        return count;
    }

    private static int BlockRows(WinogradShape shape) => Math.Max(1, BlockTiles / shape.TileColumns);

    private static nint PositionFloats(WinogradShape shape, int channels)
    {
        const int Multiple = MatrixProduct<TLanes>.RowMultiple;
        var tiles = BlockRows(shape) * shape.TileColumns;
        return (nint)(tiles + Multiple - 1) / Multiple * Multiple * channels + Gap;
    }

    // G g Gᵀ of a vector of filters or of channels, with G = [1 0 0; ½ ½ ½; ½ −½ ½; 0 0 1].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformFilter(float* w, nint tap, bool turns, float* to, nint position)
    {
        var first = turns ? w + (Taps - 1) * tap : w;
        var step = turns ? -tap : tap;
        Column(first, step, out var a0, out var a1, out var a2, out var a3);
        Column(first + step, step, out var b0, out var b1, out var b2, out var b3);
        Column(first + 2 * step, step, out var c0, out var c1, out var c2, out var c3);
        Row(a0, b0, c0, to, position);
        Row(a1, b1, c1, to + 4 * position, position);
        Row(a2, b2, c2, to + 8 * position, position);
        Row(a3, b3, c3, to + 12 * position, position);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Column(float* w, nint step, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth) =>
            Expand(TLanes.Load(w), TLanes.Load(w + 3 * step), TLanes.Load(w + 6 * step), out first, out second, out third, out fourth);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Row(TLanes a, TLanes b, TLanes c, float* to, nint position)
        {
            Expand(a, b, c, out var first, out var second, out var third, out var fourth);
            TLanes.Store(first, to);
            TLanes.Store(second, to + position);
            TLanes.Store(third, to + 2 * position);
            TLanes.Store(fourth, to + 3 * position);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Expand(TLanes a, TLanes b, TLanes c, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
    {
        var half = TLanes.Of(0.5f);
        TLanes ends = (a + c) * half, middle = b * half;
        (first, second, third, fourth) = (a, ends + middle, ends - middle, c);
    }

    // Bᵀ d B, with Bᵀ = [1 0 −1 0; 0 1 1 0; 0 −1 1 0; 0 1 0 −1]. Neighbours share two columns of pixels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformInputs(
        TElement* x, in WinogradShape shape, int firstRow, int rows, float* zeros, float* target, nint position)
    {
        var (width, channels) = (shape.Width, shape.Channels);
        var line = (nint)width * channels;
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
                var to = target + (nint)r * shape.TileColumns * channels + c;
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
                    to += channels;
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

    // Aᵀ m A, with Aᵀ = [1 1 1 0; 0 1 −1 −1].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformResults(float* m, nint position, in WinogradShape shape, int firstRow, int rows, TElement* y)
    {
        var (width, filters) = (shape.Width, shape.Filters);
        var line = (nint)width * filters;
        for (var r = 0; r < rows; r++)
        {
            var (image, row) = Math.DivRem(firstRow + r, shape.TileRows);
            var top = y + ((nint)image * shape.Height + 2 * row) * line;
            var bottom = 2 * row + 1 < shape.Height ? top + line : null;
            for (var left = 0; left < width; left += 2)
            {
                var from = m + ((nint)r * shape.TileColumns + left / 2) * filters;
                var isWhole = left + 1 < width;
                for (nint k = 0; k < filters; k += TLanes.Count)
                {
                    Row(from + k, position, out var a0, out var b0);
                    Row(from + k + 4 * position, position, out var a1, out var b1);
                    Row(from + k + 8 * position, position, out var a2, out var b2);
                    Row(from + k + 12 * position, position, out var a3, out var b3);
                    var at = left * (nint)filters + k;
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

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Row(float* m, nint position, out TLanes a, out TLanes b)
        {
            TLanes second = TLanes.Load(m + position), third = TLanes.Load(m + 2 * position);
            a = TLanes.Load(m) + second + third;
            b = second - third - TLanes.Load(m + 3 * position);
        }
    }

    // A y Aᵀ.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformGradients(TElement* g, in WinogradShape shape, int firstRow, int rows, float* target, nint position)
    {
        var (width, filters) = (shape.Width, shape.Filters);
        var line = (nint)width * filters;
        for (var r = 0; r < rows; r++)
        {
            var (image, row) = Math.DivRem(firstRow + r, shape.TileRows);
            var top = g + ((nint)image * shape.Height + 2 * row) * line;
            var bottom = 2 * row + 1 < shape.Height ? top + line : null;
            for (var left = 0; left < width; left += 2)
            {
                var to = target + ((nint)r * shape.TileColumns + left / 2) * filters;
                var isWhole = left + 1 < width;
                for (nint k = 0; k < filters; k += TLanes.Count)
                {
                    var at = left * (nint)filters + k;
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

                    Row(a, b, to + k, position);
                    Row(a + c, b + d, to + k + 4 * position, position);
                    Row(a - c, b - d, to + k + 8 * position, position);
                    Row(default(TLanes) - c, default(TLanes) - d, to + k + 12 * position, position);
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

    // Gᵀ m G.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformSums(float* sums, int channels, int filters, TElement* target)
    {
        var position = FilterPosition(channels, filters);
        for (nint filter = 0; filter < filters; filter++)
        {
            for (nint c = 0; c < channels; c += TLanes.Count)
            {
                var from = sums + filter * channels + c;
                Column(from, position, out var a0, out var a1, out var a2);
                Column(from + position, position, out var b0, out var b1, out var b2);
                Column(from + 2 * position, position, out var c0, out var c1, out var c2);
                Column(from + 3 * position, position, out var d0, out var d1, out var d2);
                var to = target + filter * Taps * channels + c;
                Row(a0, b0, c0, d0, to, channels);
                Row(a1, b1, c1, d1, to + 3 * channels, channels);
                Row(a2, b2, c2, d2, to + 6 * channels, channels);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Column(float* sums, nint position, out TLanes first, out TLanes second, out TLanes third) => Reduce(
            TLanes.Load(sums),
            TLanes.Load(sums + 4 * position),
            TLanes.Load(sums + 8 * position),
            TLanes.Load(sums + 12 * position),
            out first,
            out second,
            out third);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Row(TLanes a, TLanes b, TLanes c, TLanes d, TElement* to, nint channels)
        {
            Reduce(a, b, c, d, out var first, out var second, out var third);
            Store(first, to);
            Store(second, to + channels);
            Store(third, to + 2 * channels);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Reduce(TLanes a, TLanes b, TLanes c, TLanes d, out TLanes first, out TLanes second, out TLanes third)
        {
            var half = TLanes.Of(0.5f);
            var sum = (b + c) * half;
            (first, second, third) = (a + sum, (b - c) * half, sum + d);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Load(TElement* source) => TElement.Load<TLanes>(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TLanes value, TElement* target) => TElement.Store(value, target);
}
