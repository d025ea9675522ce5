using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>
/// The transforms of F(4×4, 3×3): a tile costs 36 products for each pair of channels instead of 144. They multiply by up to 8, and so round
/// two to five times as much as those of 2×2 results: by up to 3·10⁻⁶ of a result's length.
/// </summary>
/// <remarks>A tile's 36 values are more than there are registers: what is between its columns and its rows lies in memory.</remarks>
internal readonly unsafe struct FourByFourTiles<TElement, TLanes> : ITileTransforms<TElement>
    where TElement : unmanaged, IElement<TElement>
    where TLanes : struct, ILanes<TLanes>
{
    private const int Results = 4, Reach = 6, Taps = 3;

    public static int Side => Results;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OfImages(TElement* x, in WinogradShape shape, int firstRow, int rows, float* zeros, PositionPanels target)
    {
        var (width, channels) = (shape.Width, shape.Channels);
        var line = (nint)width * channels;
        var (position, next) = (target.PositionDistance, target.PanelColumns);
        var (tileRows, tileColumns) = (shape.TileRows(Side), shape.TileColumns(Side));
        var columns = stackalloc float[Reach * Reach * TLanes.Count];
        var pair = 2 * Reach * TLanes.Count;
        for (var r = 0; r < rows; r++)
        {
            var (image, row) = Math.DivRem(firstRow + r, tileRows);
            var pixels = new Lines(x + (nint)image * shape.Height * line, line, Results * row - 1, shape.Height, (TElement*)zeros);
            for (var c = 0; c < channels; c += TLanes.Count)
            {
                // Neighbours share two of six columns of pixels: the last two of a tile are the first of the next.
                float* left = columns, middle = left + pair, right = middle + pair;
                new Span<float>(left, pair / 2).Clear();
                Column(pixels, c, left + pair / 2);
                var to = target.At(r * tileColumns, c);
                for (var start = 0; start < width; start += Results, to += next)
                {
                    PairAt(pixels, start + 1, width, channels, c, middle);
                    PairAt(pixels, start + 3, width, channels, c, right);
                    for (var i = 0; i < Reach; i++)
                    {
                        nint first = i * TLanes.Count, second = (Reach + i) * TLanes.Count;
                        Pixels(
                            TLanes.Load(left + first), TLanes.Load(left + second), TLanes.Load(middle + first),
                            TLanes.Load(middle + second), TLanes.Load(right + first), TLanes.Load(right + second),
                            to + i * Reach * position, position);
                    }

                    var last = right;
                    right = left;
                    left = last;
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void PairAt(in Lines pixels, int column, int width, int channels, int channel, float* to)
        {
            var half = Reach * TLanes.Count;
            if (column + 1 < width)
            {
                Column(pixels, (nint)column * channels + channel, to);
                Column(pixels, (nint)(column + 1) * channels + channel, to + half);
                return;
            }

            new Span<float>(to, 2 * half).Clear();
            if (column < width)
            {
                Column(pixels, (nint)column * channels + channel, to);
            }
        }

        // Once, and called: written out wherever it is used, it would be more than .NET optimizes.
        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        static void Column(in Lines pixels, nint at, float* to) => Pixels(
            Load(pixels.First + at), Load(pixels.Second + at), Load(pixels.Third + at), Load(pixels.Fourth + at), Load(pixels.Fifth + at),
            Load(pixels.Sixth + at), to, TLanes.Count);

        // Bᵀ = [4 0 −5 0 1 0; 0 −4 −4 1 1 0; 0 4 −4 −1 1 0; 0 −2 −1 2 1 0; 0 2 −1 −2 1 0; 0 4 0 −5 0 1].
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Pixels(TLanes a, TLanes b, TLanes c, TLanes d, TLanes e, TLanes f, float* to, nint step)
        {
            TLanes two = TLanes.Of(2), four = TLanes.Of(4), minusFour = TLanes.Of(-4), minusFive = TLanes.Of(-5);
            TLanes even = TLanes.MultiplyAdd(c, minusFour, e), odd = TLanes.MultiplyAdd(b, minusFour, d);
            TLanes evenToo = e - c, oddToo = (d - b) * two;
            TLanes.Store(TLanes.MultiplyAdd(a, four, TLanes.MultiplyAdd(c, minusFive, e)), to);
            TLanes.Store(even + odd, to + step);
            TLanes.Store(even - odd, to + 2 * step);
            TLanes.Store(evenToo + oddToo, to + 3 * step);
            TLanes.Store(evenToo - oddToo, to + 4 * step);
            TLanes.Store(TLanes.MultiplyAdd(b, four, TLanes.MultiplyAdd(d, minusFive, f)), to + 5 * step);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ToResults(
        float* m, nint position, TElement* y, nint column, nint line, int wide, int height, float* between)
    {
        for (var i = 0; i < Reach; i++)
        {
            Products(m + i * Reach * position, position, out var a, out var b, out var c, out var d);
            var into = between + i * TLanes.Count;
            TLanes.Store(a, into);
            TLanes.Store(b, into + Reach * TLanes.Count);
            TLanes.Store(c, into + 2 * Reach * TLanes.Count);
            TLanes.Store(d, into + 3 * Reach * TLanes.Count);
        }

        for (var i = 0; i < wide; i++)
        {
            Products(between + i * Reach * TLanes.Count, TLanes.Count, out var a, out var b, out var c, out var d);
            StoreColumn(a, b, c, d, y + i * column, line, height);
        }

        // Aᵀ = [1 1 1 1 1 0; 0 1 −1 2 −2 0; 0 1 1 4 4 0; 0 1 −1 8 −8 1].
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Products(float* m, nint step, out TLanes a, out TLanes b, out TLanes c, out TLanes d)
        {
            TLanes first = TLanes.Load(m + step), second = TLanes.Load(m + 2 * step);
            TLanes third = TLanes.Load(m + 3 * step), fourth = TLanes.Load(m + 4 * step);
            TLanes sum = first + second, difference = first - second, sumToo = third + fourth, differenceToo = third - fourth;
            a = TLanes.Load(m) + sum + sumToo;
            b = TLanes.MultiplyAdd(differenceToo, TLanes.Of(2), difference);
            c = TLanes.MultiplyAdd(sumToo, TLanes.Of(4), sum);
            d = TLanes.MultiplyAdd(differenceToo, TLanes.Of(8), difference) + TLanes.Load(m + 5 * step);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void StoreColumn(TLanes a, TLanes b, TLanes c, TLanes d, TElement* to, nint line, int height)
        {
            TElement.Store(a, to);
            if (height > 1)
            {
                TElement.Store(b, to + line);
            }

            if (height > 2)
            {
                TElement.Store(c, to + 2 * line);
            }

            if (height > 3)
            {
                TElement.Store(d, to + 3 * line);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OfGradients(
        TElement* g, nint column, nint line, int wide, int height, float* to, nint position, float* between)
    {
        for (var i = 0; i < wide; i++)
        {
            var at = g + i * column;
            Gradients(
                Load(at),
                height > 1 ? Load(at + line) : default,
                height > 2 ? Load(at + 2 * line) : default,
                height > 3 ? Load(at + 3 * line) : default,
                between + i * TLanes.Count,
                Results * TLanes.Count);
        }

        for (var i = 0; i < Reach; i++)
        {
            var values = between + i * Results * TLanes.Count;
            Gradients(
                TLanes.Load(values),
                wide > 1 ? TLanes.Load(values + TLanes.Count) : default,
                wide > 2 ? TLanes.Load(values + 2 * TLanes.Count) : default,
                wide > 3 ? TLanes.Load(values + 3 * TLanes.Count) : default,
                to + i * Reach * position,
                position);
        }

        // A = [1 0 0 0; 1 1 1 1; 1 −1 1 −1; 1 2 4 8; 1 −2 4 −8; 0 0 0 1].
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Gradients(TLanes a, TLanes b, TLanes c, TLanes d, float* to, nint step)
        {
            TLanes even = a + c, odd = b + d;
            TLanes evenToo = TLanes.MultiplyAdd(c, TLanes.Of(4), a);
            TLanes oddToo = TLanes.MultiplyAdd(d, TLanes.Of(4), b) * TLanes.Of(2);
            TLanes.Store(a, to);
            TLanes.Store(even + odd, to + step);
            TLanes.Store(even - odd, to + 2 * step);
            TLanes.Store(evenToo + oddToo, to + 3 * step);
            TLanes.Store(evenToo - oddToo, to + 4 * step);
            TLanes.Store(d, to + 5 * step);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OfFilters(float* w, nint step, float* to, nint position)
    {
        var between = stackalloc float[Reach * Taps * TLanes.Count];
        for (var column = 0; column < Taps; column++)
        {
            Expand(w + column * step, Taps * step, between + column * TLanes.Count, Taps * TLanes.Count);
        }

        for (var i = 0; i < Reach; i++)
        {
            Expand(between + i * Taps * TLanes.Count, TLanes.Count, to + i * Reach * position, position);
        }

        // G = [¼ 0 0; −⅙ −⅙ −⅙; −⅙ ⅙ −⅙; 1/24 1/12 ⅙; 1/24 −1/12 ⅙; 0 0 1].
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Expand(float* w, nint step, float* to, nint toStep)
        {
            TLanes a = TLanes.Load(w), b = TLanes.Load(w + step), c = TLanes.Load(w + 2 * step);
            var sixth = TLanes.Of(1f / 6);
            TLanes ends = (a + c) * sixth, middle = b * sixth;
            TLanes endsToo = TLanes.MultiplyAdd(a, TLanes.Of(1f / 24), c * sixth), middleToo = b * TLanes.Of(1f / 12);
            TLanes.Store(a * TLanes.Of(0.25f), to);
            TLanes.Store(default(TLanes) - ends - middle, to + toStep);
            TLanes.Store(middle - ends, to + 2 * toStep);
            TLanes.Store(endsToo + middleToo, to + 3 * toStep);
            TLanes.Store(endsToo - middleToo, to + 4 * toStep);
            TLanes.Store(c, to + 5 * toStep);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToFiltersGradient(float* sums, nint position, TElement* to, nint step)
    {
        var between = stackalloc float[Reach * Taps * TLanes.Count];
        for (var column = 0; column < Reach; column++)
        {
            Reduce(sums + column * position, Reach * position, out var a, out var b, out var c);
            var into = between + column * TLanes.Count;
            TLanes.Store(a, into);
            TLanes.Store(b, into + Reach * TLanes.Count);
            TLanes.Store(c, into + 2 * Reach * TLanes.Count);
        }

        for (var row = 0; row < Taps; row++)
        {
            Reduce(between + row * Reach * TLanes.Count, TLanes.Count, out var a, out var b, out var c);
            TElement.Store(a, to + row * Taps * step);
            TElement.Store(b, to + (row * Taps + 1) * step);
            TElement.Store(c, to + (row * Taps + 2) * step);
        }

        // Gᵀ.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Reduce(float* m, nint step, out TLanes a, out TLanes b, out TLanes c)
        {
            TLanes first = TLanes.Load(m + step), second = TLanes.Load(m + 2 * step);
            TLanes third = TLanes.Load(m + 3 * step), fourth = TLanes.Load(m + 4 * step);
            TLanes sum = (first + second) * TLanes.Of(1f / 6), sumToo = third + fourth;
            a = TLanes.MultiplyAdd(TLanes.Load(m), TLanes.Of(0.25f), sumToo * TLanes.Of(1f / 24)) - sum;
            b = TLanes.MultiplyAdd(second - first, TLanes.Of(1f / 6), (third - fourth) * TLanes.Of(1f / 12));
            c = TLanes.MultiplyAdd(sumToo, TLanes.Of(1f / 6), TLanes.Load(m + 5 * step)) - sum;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Load(TElement* source) => TElement.Load<TLanes>(source);

    /// <summary>The lines of pixels of a row of tiles: zeros, where they lie outside the image.</summary>
    private readonly struct Lines
    {
        public readonly TElement* First, Second, Third, Fourth, Fifth, Sixth;

        public Lines(TElement* image, nint line, int first, int height, TElement* zeros)
        {
            First = At(first);
            Second = At(first + 1);
            Third = At(first + 2);
            Fourth = At(first + 3);
            Fifth = At(first + 4);
            Sixth = At(first + 5);

            TElement* At(int y) => y >= 0 && y < height ? image + y * line : zeros;
        }
    }
}
