namespace Microsoft.ML.ResNet.Onnx;

/// <summary>
/// The values that a tensor takes, and the bytes that stand for them: value ≈ <see cref="Scale"/> · (byte − <see cref="ZeroPoint"/>).
/// </summary>
internal readonly record struct ValueRange
{
    public ValueRange(float minimum, float maximum)
    {
        // Zero must be exact: convolutions pad with it, and ReLU makes much of it.
        (Minimum, Maximum) = (Math.Min(minimum, 0), Math.Max(maximum, 0));
    }

    /// <summary>The range of 1 / (1 + e⁻ˣ).</summary>
    public static ValueRange Sigmoid { get; } = new(0, 1);

    public float Minimum { get; }

    public float Maximum { get; }

    /// <summary>Gets the step between two bytes; 1 where all values are zero.</summary>
    public float Scale => Maximum - Minimum is > 1e-35f * 255 and var width ? width / 255 : 1;

    /// <summary>Gets the byte that stands for zero; 0 where no value is negative, as after ReLU.</summary>
    public byte ZeroPoint => (byte)Math.Clamp(MathF.Round(-Minimum / Scale), 0, 255);
}
