namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>
/// 3×3 convolutions with stride 1 by the minimal filtering of Winograd: F(2×2, 3×3) and F(4×4, 3×3) of Lavin and Gray, "Fast Algorithms for
/// Convolutional Neural Networks" (2016), https://arxiv.org/abs/1509.09308. A tile of 2×2 results costs 16 products for each pair of
/// channels instead of 36, and one of 4×4 results costs 36 instead of 144.
/// </summary>
/// <remarks>
/// <para>
/// With the paper's matrices Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A, where g is a filter and d the pixels under a tile, two more along each side
/// than it has results. The sum over channels makes of each of the products under ⊙ a matrix product: tiles × channels times channels ×
/// filters. The gradient of the images is the same with turned filters, and that of the filters is Gᵀ [ Σ (A y Aᵀ) ⊙ (Bᵀ d B) ] G, with the
/// gradient of a tile's results for y.
/// </para>
/// <para>
/// Images are channels-last; everything is computed in float32, on the caller's thread, some rows of tiles at a time, so that what is
/// between the transforms stays in a core's second cache. Channels and filters must be multiples of <see cref="ChannelMultiple"/>.
/// </para>
/// </remarks>
internal abstract unsafe class WinogradKernels
{
    /// <summary>What the numbers of channels and of filters must be multiples of.</summary>
    public const int ChannelMultiple = 16;

    /// <summary>Gets the bytes of a value of an image.</summary>
    public abstract int ElementSize { get; }
    /// <summary>Finds the kernels for this CPU's widest vectors.</summary>
    /// <param name="bfloat16">Whether images, results and gradients are kept in bfloat16, and not in float32.</param>
    /// <param name="tileSide">The results of a tile along each of its sides: 2 or 4.</param>
    public static WinogradKernels For(bool bfloat16, int tileSide) => For(bfloat16, tileSide, ActivationKernels.WidestLanes);

    /// <summary>As above, for no more than some lanes, but four at least: tests compare the widths.</summary>
    internal static WinogradKernels For(bool bfloat16, int tileSide, int mostLanes) =>
        mostLanes >= Lanes512.Count ? Of<Lanes512>(bfloat16, tileSide)
        : mostLanes >= Lanes256.Count ? Of<Lanes256>(bfloat16, tileSide)
        : Of<Lanes128>(bfloat16, tileSide);

    /// <summary>Gets the floats of transformed filters.</summary>
    public abstract nint FilterFloats(int channels, int filters);

    /// <summary>Gets the floats of the room that a thread needs for <see cref="Convolve"/> and <see cref="FiltersGradient"/>.</summary>
    /// <remarks>What is in it does not matter. It may serve for one shape after another.</remarks>
    public abstract nint RoomFor(WinogradShape shape);

    /// <summary>Transforms filters, G g Gᵀ, for <see cref="Convolve"/>.</summary>
    /// <param name="w">[filters, 3, 3, channels].</param>
    /// <param name="channels">The channels.</param>
    /// <param name="filters">The filters.</param>
    /// <param name="first">The first filter to transform: a multiple of <see cref="ChannelMultiple"/>.</param>
    /// <param name="end">The filter after the last one, a multiple as well.</param>
    /// <param name="u">Room for <see cref="FilterFloats"/>: the result, in an order of the kernels' own.</param>
    public abstract void TransformFilters(float* w, int channels, int filters, int first, int end, float* u);

    /// <summary>Transforms turned filters, for the gradient of the images. Parameters as in <see cref="TransformFilters"/>.</summary>
    public abstract void TransformTurnedFilters(float* w, int channels, int filters, int first, int end, float* u);

    /// <summary>Convolves.</summary>
    /// <param name="x">[images, height, width, channels].</param>
    /// <param name="u">The transformed filters.</param>
    /// <param name="y">[images, height, width, filters]: the result.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="room">Room for <see cref="RoomFor"/>.</param>
    public abstract void Convolve(void* x, float* u, void* y, WinogradShape shape, float* room);

    /// <summary>Computes the gradient of the filters.</summary>
    /// <param name="x">[images, height, width, channels].</param>
    /// <param name="g">[images, height, width, filters]: the gradient of the result.</param>
    /// <param name="target">[filters, 3, 3, channels]: the gradient.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="room">Room for <see cref="RoomFor"/>.</param>
    public abstract void FiltersGradient(void* x, void* g, void* target, WinogradShape shape, float* room);

    private static WinogradKernels Of<TLanes>(bool bfloat16, int tileSide)
        where TLanes : struct, ILanes<TLanes> => bfloat16 ? Of<BFloat16Element, TLanes>(tileSide) : Of<SingleElement, TLanes>(tileSide);

    private static WinogradKernels Of<TElement, TLanes>(int tileSide)
        where TElement : unmanaged, IElement<TElement>
        where TLanes : struct, ILanes<TLanes> => tileSide == 4
            ? WinogradKernels<TElement, TLanes, FourByFourTiles<TElement, TLanes>>.Instance
            : WinogradKernels<TElement, TLanes, TwoByTwoTiles<TElement, TLanes>>.Instance;
}
