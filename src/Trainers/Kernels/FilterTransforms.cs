using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>The transforms of <see cref="WinogradKernels"/> of filters, and of their gradients.</summary>
internal static unsafe class FilterTransforms<TElement, TLanes, TTiles>
    where TElement : unmanaged, IElement<TElement>
    where TLanes : struct, ILanes<TLanes>
    where TTiles : struct, ITileTransforms<TElement>
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
                    TTiles.OfFilters(turned + channel * TLanes.Count, Block * TLanes.Count, to, position);
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
                var last = w + ((nint)filter * Taps + Taps - 1) * channels + c;
                TTiles.OfFilters(last, -channels, target.At(filter, c), position);
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
        for (var filter = 0; filter < filters; filter++)
        {
            for (var c = 0; c < channels; c += TLanes.Count)
            {
                TTiles.ToFiltersGradient(
                    sums.At(filter, c), sums.PositionDistance, target + (nint)filter * Taps * channels + c, channels);
            }
        }
    }
}
