using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>The transforms of <see cref="WinogradKernels"/> of filters, and of their gradients.</summary>
internal static unsafe class FilterTransforms<TElement, TLanes>
    where TElement : unmanaged, IElement<TElement>
    where TLanes : struct, ILanes<TLanes>
{
    private const int Taps = 3 * 3;

    /// <summary>Transforms some filters, G g Gᵀ.</summary>
    /// <param name="w">All filters, [filters, 3, 3, channels].</param>
    /// <param name="channels">The channels, a multiple of <see cref="WinogradKernels.ChannelMultiple"/>.</param>
    /// <param name="first">The first filter to transform: a multiple as well.</param>
    /// <param name="end">The filter after the last one: a multiple as well.</param>
    /// <param name="target">[channels, filters].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OfFilters(float* w, int channels, int first, int end, PositionPanels target)
    {
        // Of one filter the channels lie side by side; in a panel, of one channel the filters do. So a vector of filters is turned first.
        const int Block = WinogradKernels.ChannelMultiple;
        var position = target.PositionDistance;
        var turned = stackalloc float[Taps * Block * TLanes.Count];
        for (var filter = first; filter < end; filter += TLanes.Count)
        {
            var to = target.At(0, filter);
            for (var c = 0; c < channels; c += Block)
            {
                for (var lane = 0; lane < TLanes.Count; lane++)
                {
                    var from = w + (nint)(filter + lane) * Taps * channels + c;
                    for (var tap = 0; tap < Taps; tap++, from += channels)
                    {
                        var side = turned + tap * Block * TLanes.Count + lane;
                        for (var channel = 0; channel < Block; channel++)
                        {
                            side[channel * TLanes.Count] = from[channel];
                        }
                    }
                }

                for (var channel = 0; channel < Block; channel++, to += target.PanelColumns)
                {
                    Transform(turned + channel * TLanes.Count, Block * TLanes.Count, turns: false, to, position);
                }
            }
        }
    }

    /// <summary>Transforms some filters, turned by half a circle, for the gradient of images: to [filters, channels]. Parameters as above.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OfTurnedFilters(float* w, int channels, int first, int end, PositionPanels target)
    {
        var position = target.PositionDistance;
        for (var filter = first; filter < end; filter++)
        {
            for (var c = 0; c < channels; c += TLanes.Count)
            {
                Transform(w + (nint)filter * Taps * channels + c, channels, turns: true, target.At(filter, c), position);
            }
        }
    }

    /// <summary>Transforms sums over all tiles to the gradient of the filters, Gᵀ m G.</summary>
    /// <param name="sums">[filters, channels].</param>
    /// <param name="channels">The channels.</param>
    /// <param name="filters">The filters.</param>
    /// <param name="target">[filters, 3, 3, channels].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToGradient(PositionPanels sums, int channels, int filters, TElement* target)
    {
        var position = sums.PositionDistance;
        for (var filter = 0; filter < filters; filter++)
        {
            for (var c = 0; c < channels; c += TLanes.Count)
            {
                var from = sums.At(filter, c);
                Column(from, position, out var a0, out var a1, out var a2);
                Column(from + position, position, out var b0, out var b1, out var b2);
                Column(from + 2 * position, position, out var c0, out var c1, out var c2);
                Column(from + 3 * position, position, out var d0, out var d1, out var d2);
                var to = target + (nint)filter * Taps * channels + c;
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
            TElement.Store(first, to);
            TElement.Store(second, to + channels);
            TElement.Store(third, to + 2 * channels);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Reduce(TLanes a, TLanes b, TLanes c, TLanes d, out TLanes first, out TLanes second, out TLanes third)
        {
            var half = TLanes.Of(0.5f);
            var sum = (b + c) * half;
            (first, second, third) = (a + sum, (b - c) * half, sum + d);
        }
    }

    // G g Gᵀ of a vector of filters or of channels, with G = [1 0 0; ½ ½ ½; ½ −½ ½; 0 0 1].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transform(float* w, nint tap, bool turns, float* to, nint position)
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
}
