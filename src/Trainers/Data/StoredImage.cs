namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>A decoded image with its label.</summary>
/// <typeparam name="T">byte, or float for vectors of floats.</typeparam>
/// <param name="Values">Rows from the top; within a row pixels from the left; within a pixel its channels (NHWC).</param>
/// <param name="Height">In pixels.</param>
/// <param name="Width">In pixels.</param>
/// <param name="Label">The class, counted from 0.</param>
/// <param name="Weight">How much the example counts in the loss; 1 without a weight column.</param>
internal readonly record struct StoredImage<T>(ReadOnlyMemory<T> Values, int Height, int Width, int Label, float Weight)
    where T : unmanaged
{
    /// <summary>Gets the values. In a loop over them, take it once.</summary>
    public ReadOnlySpan<T> Pixels => Values.Span;
}
