namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>Some floats that are computed with at once: what the kernels are written in, whatever the width of the CPU's vectors.</summary>
internal unsafe interface ILanes<TSelf>
    where TSelf : struct, ILanes<TSelf>
{
    /// <summary>Gets the number of floats.</summary>
    static abstract int Count { get; }

    /// <summary>Repeats a number.</summary>
    static abstract TSelf Of(float value);

    /// <summary>Reads floats.</summary>
    static abstract TSelf Load(float* source);

    /// <summary>Reads bfloat16 numbers, each the upper half of a float.</summary>
    static abstract TSelf LoadBFloat16(ushort* source);

    /// <summary>Writes floats.</summary>
    static abstract void Store(TSelf value, float* target);

    /// <summary>Writes bfloat16 numbers, rounded to the nearest, and to the even one of two that are as near, as Torch rounds.</summary>
    static abstract void StoreBFloat16(TSelf value, ushort* target);

    static abstract TSelf operator +(TSelf left, TSelf right);

    static abstract TSelf operator -(TSelf left, TSelf right);

    static abstract TSelf operator *(TSelf left, TSelf right);

    /// <summary>Computes left · right + addend.</summary>
    static abstract TSelf MultiplyAdd(TSelf left, TSelf right, TSelf addend);

    /// <summary>Computes left · right + addend, with one number for all of left.</summary>
    static abstract TSelf MultiplyAdd(float* left, TSelf right, TSelf addend);

    /// <summary>Takes the value where the test is more than zero or not a number, and zero elsewhere.</summary>
    static abstract TSelf WherePositive(TSelf test, TSelf value);

    /// <summary>Takes one value where left is equal to right, and the other elsewhere.</summary>
    static abstract TSelf WhereEqual(TSelf left, TSelf right, TSelf equal, TSelf other);

    /// <summary>Takes one value where left is more than right or not a number, and the other elsewhere.</summary>
    static abstract TSelf WhereMore(TSelf left, TSelf right, TSelf more, TSelf other);
}
