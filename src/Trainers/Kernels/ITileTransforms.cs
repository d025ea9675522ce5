namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>The transforms of <see cref="WinogradKernels"/> for one size of tiles.</summary>
/// <remarks>A row of a transformed matrix is a tile, or a filter or channel; a column is a channel, or a filter.</remarks>
internal unsafe interface ITileTransforms<TElement>
    where TElement : unmanaged
{
    /// <summary>Gets the results of a tile along each of its sides. It reads two pixels more.</summary>
    static abstract int Side { get; }

    /// <summary>Transforms images, Bᵀ d B, for some rows of tiles.</summary>
    /// <param name="x">[images, height, width, channels].</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="firstRow">The first row of tiles, counted through all images.</param>
    /// <param name="rows">The rows of tiles.</param>
    /// <param name="zeros">A row of an image that is all zeros: what lies above and below an image.</param>
    /// <param name="target">[tiles, channels].</param>
    static abstract void OfImages(TElement* x, in WinogradShape shape, int firstRow, int rows, float* zeros, PositionPanels target);

    /// <summary>Transforms products of a tile to results, Aᵀ m A, for a vector of filters.</summary>
    /// <param name="m">The first position.</param>
    /// <param name="position">The floats from a position to the next.</param>
    /// <param name="y">The first result.</param>
    /// <param name="column">The numbers from a result to the one beside it.</param>
    /// <param name="line">The numbers from a result to the one below it.</param>
    /// <param name="wide">How many lie side by side within the image.</param>
    /// <param name="height">How many lie one below the other within the image.</param>
    /// <param name="between">Room for what is between the two products.</param>
    static abstract void ToResults(
        float* m, nint position, TElement* y, nint column, nint line, int wide, int height, float* between);

    /// <summary>Transforms gradients of a tile's results, A y Aᵀ, for a vector of filters. Those outside the image are zeros.</summary>
    /// <param name="g">The gradient of the first result.</param>
    /// <param name="column">The numbers from a result to the one beside it.</param>
    /// <param name="line">The numbers from a result to the one below it.</param>
    /// <param name="wide">How many lie side by side within the image.</param>
    /// <param name="height">How many lie one below the other within the image.</param>
    /// <param name="to">The first position.</param>
    /// <param name="position">The floats from a position to the next.</param>
    /// <param name="between">Room for what is between the two products.</param>
    static abstract void OfGradients(
        TElement* g, nint column, nint line, int wide, int height, float* to, nint position, float* between);

    /// <summary>Transforms filters, G g Gᵀ: a vector of them, or of channels.</summary>
    /// <param name="w">The first of nine numbers of each.</param>
    /// <param name="step">The floats from a number to the next.</param>
    /// <param name="to">The first position.</param>
    /// <param name="position">The floats from a position to the next.</param>
    static abstract void OfFilters(float* w, nint step, float* to, nint position);

    /// <summary>Transforms sums over all tiles to the gradient of filters, Gᵀ m G, for a vector of channels.</summary>
    /// <param name="sums">The first position.</param>
    /// <param name="position">The floats from a position to the next.</param>
    /// <param name="to">The first of nine numbers.</param>
    /// <param name="step">The numbers from one of them to the next.</param>
    static abstract void ToFiltersGradient(float* sums, nint position, TElement* to, nint step);
}
