using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>
/// Products of small matrices of floats, on the caller's thread: some rows and columns of the result at a time, which stay in registers
/// while the inner dimension is walked.
/// </summary>
internal static unsafe class MatrixProduct<TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    /// <summary>Rows are computed up to the next multiple of this: memory must reach so far, and what is there does not matter.</summary>
    public const int RowMultiple = 16;

    // Vectors of 512 bits come with 32 registers, of 256 with 16; those of 128 bits are here for ARM, which has 32.
    private static readonly bool HasFewRegisters = TLanes.Count == Lanes256.Count;

    /// <summary>Gets the columns of a panel, of which the right matrix and the result have a whole number.</summary>
    /// <param name="columns">All columns, a multiple of <see cref="WinogradKernels.ChannelMultiple"/>.</param>
    public static int PanelColumns(int columns) => columns % (2 * TLanes.Count) == 0 ? 2 * TLanes.Count : TLanes.Count;

    /// <summary>Computes result = left · right, or adds it to the result.</summary>
    /// <typeparam name="TAdds">Whether it is added.</typeparam>
    /// <param name="left">[rows, inner], with the distances of rows and of columns in floats.</param>
    /// <param name="right">[panels][inner, columns of a panel], with the distances of panels and of rows.</param>
    /// <param name="result">[rows, columns], with the distance of rows.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="inner">The inner dimension.</param>
    /// <param name="columns">The columns.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Compute<TAdds>(Strided left, Strided right, Strided result, int rows, int inner, int columns)
        where TAdds : struct, IFlag
    {
        var panel = PanelColumns(columns);
        var from = right.Start;
        for (var column = 0; column < columns; column += panel, from += right.Outer)
        {
            if (panel == TLanes.Count)
            {
                Sixteen<TAdds>(left, from, right.Inner, result.Start + column, result.Outer, rows, inner);
            }
            else if (HasFewRegisters)
            {
                FourByTwo<TAdds>(left, from, right.Inner, result.Start + column, result.Outer, rows, inner);
            }
            else
            {
                EightByTwo<TAdds>(left, from, right.Inner, result.Start + column, result.Outer, rows, inner);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightByTwo<TAdds>(Strided left, float* right, nint rightRow, float* result, nint resultRow, int rows, int inner)
        where TAdds : struct, IFlag
    {
        var (row, column) = (left.Outer, left.Inner);
        for (var r = 0; r < rows; r += 8)
        {
            TLanes a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
            TLanes b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default, b6 = default, b7 = default;
            float* top = left.Start + r * row, middle = top + 3 * row, bottom = top + 6 * row, from = right;
            for (var i = 0; i < inner; i++)
            {
                TLanes a = TLanes.Load(from), b = TLanes.Load(from + TLanes.Count);
                Add(top, a, b, ref a0, ref b0);
                Add(top + row, a, b, ref a1, ref b1);
                Add(top + 2 * row, a, b, ref a2, ref b2);
                Add(middle, a, b, ref a3, ref b3);
                Add(middle + row, a, b, ref a4, ref b4);
                Add(middle + 2 * row, a, b, ref a5, ref b5);
                Add(bottom, a, b, ref a6, ref b6);
                Add(bottom + row, a, b, ref a7, ref b7);
                top += column;
                middle += column;
                bottom += column;
                from += rightRow;
            }

            var to = result + r * resultRow;
            Put<TAdds>(a0, b0, to);
            Put<TAdds>(a1, b1, to + resultRow);
            Put<TAdds>(a2, b2, to + 2 * resultRow);
            Put<TAdds>(a3, b3, to + 3 * resultRow);
            Put<TAdds>(a4, b4, to + 4 * resultRow);
            Put<TAdds>(a5, b5, to + 5 * resultRow);
            Put<TAdds>(a6, b6, to + 6 * resultRow);
            Put<TAdds>(a7, b7, to + 7 * resultRow);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourByTwo<TAdds>(Strided left, float* right, nint rightRow, float* result, nint resultRow, int rows, int inner)
        where TAdds : struct, IFlag
    {
        var (row, column) = (left.Outer, left.Inner);
        for (var r = 0; r < rows; r += 4)
        {
            TLanes a0 = default, a1 = default, a2 = default, a3 = default;
            TLanes b0 = default, b1 = default, b2 = default, b3 = default;
            float* top = left.Start + r * row, bottom = top + 2 * row, from = right;
            for (var i = 0; i < inner; i++)
            {
                TLanes a = TLanes.Load(from), b = TLanes.Load(from + TLanes.Count);
                Add(top, a, b, ref a0, ref b0);
                Add(top + row, a, b, ref a1, ref b1);
                Add(bottom, a, b, ref a2, ref b2);
                Add(bottom + row, a, b, ref a3, ref b3);
                top += column;
                bottom += column;
                from += rightRow;
            }

            var to = result + r * resultRow;
            Put<TAdds>(a0, b0, to);
            Put<TAdds>(a1, b1, to + resultRow);
            Put<TAdds>(a2, b2, to + 2 * resultRow);
            Put<TAdds>(a3, b3, to + 3 * resultRow);
        }
    }

    // Where a row of the result is a single vector, sixteen rows hide the time that an addition takes.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sixteen<TAdds>(Strided left, float* right, nint rightRow, float* result, nint resultRow, int rows, int inner)
        where TAdds : struct, IFlag
    {
        var (row, column) = (left.Outer, left.Inner);
        for (var r = 0; r < rows; r += 16)
        {
            TLanes a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
            TLanes b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default, b6 = default, b7 = default;
            float* first = left.Start + r * row, second = first + 4 * row, third = first + 8 * row, fourth = first + 12 * row, from = right;
            for (var i = 0; i < inner; i++)
            {
                var a = TLanes.Load(from);
                Add(first, a, ref a0);
                Add(first + row, a, ref a1);
                Add(first + 2 * row, a, ref a2);
                Add(second - row, a, ref a3);
                Add(second, a, ref a4);
                Add(second + row, a, ref a5);
                Add(second + 2 * row, a, ref a6);
                Add(third - row, a, ref a7);
                Add(third, a, ref b0);
                Add(third + row, a, ref b1);
                Add(third + 2 * row, a, ref b2);
                Add(fourth - row, a, ref b3);
                Add(fourth, a, ref b4);
                Add(fourth + row, a, ref b5);
                Add(fourth + 2 * row, a, ref b6);
                Add(fourth + 2 * row + row, a, ref b7);
                first += column;
                second += column;
                third += column;
                fourth += column;
                from += rightRow;
            }

            var to = result + r * resultRow;
            Put<TAdds>(a0, to);
            Put<TAdds>(a1, to + resultRow);
            Put<TAdds>(a2, to + 2 * resultRow);
            Put<TAdds>(a3, to + 3 * resultRow);
            Put<TAdds>(a4, to + 4 * resultRow);
            Put<TAdds>(a5, to + 5 * resultRow);
            Put<TAdds>(a6, to + 6 * resultRow);
            Put<TAdds>(a7, to + 7 * resultRow);
            Put<TAdds>(b0, to + 8 * resultRow);
            Put<TAdds>(b1, to + 9 * resultRow);
            Put<TAdds>(b2, to + 10 * resultRow);
            Put<TAdds>(b3, to + 11 * resultRow);
            Put<TAdds>(b4, to + 12 * resultRow);
            Put<TAdds>(b5, to + 13 * resultRow);
            Put<TAdds>(b6, to + 14 * resultRow);
            Put<TAdds>(b7, to + 15 * resultRow);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* left, TLanes a, ref TLanes sum) => sum = TLanes.MultiplyAdd(left, a, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* left, TLanes a, TLanes b, ref TLanes sumOfA, ref TLanes sumOfB)
    {
        var value = TLanes.Of(*left);
        sumOfA = TLanes.MultiplyAdd(value, a, sumOfA);
        sumOfB = TLanes.MultiplyAdd(value, b, sumOfB);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<TAdds>(TLanes value, float* to)
        where TAdds : struct, IFlag => TLanes.Store(TAdds.IsSet ? value + TLanes.Load(to) : value, to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<TAdds>(TLanes a, TLanes b, float* to)
        where TAdds : struct, IFlag
    {
        Put<TAdds>(a, to);
        Put<TAdds>(b, to + TLanes.Count);
    }
}
