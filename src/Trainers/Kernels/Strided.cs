namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>Where the floats of a matrix lie.</summary>
/// <param name="start">The first.</param>
/// <param name="outer">The distance of rows, or of panels.</param>
/// <param name="inner">The distance of columns, or of rows within a panel.</param>
internal readonly unsafe struct Strided(float* start, nint outer, nint inner)
{
    /// <summary>Gets where the first lies.</summary>
    public float* Start => start;

    /// <summary>Gets the distance of rows, or of panels.</summary>
    public nint Outer => outer;

    /// <summary>Gets the distance of columns, or of rows within a panel.</summary>
    public nint Inner => inner;
}
