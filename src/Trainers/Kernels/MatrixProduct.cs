using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>
/// Products of small matrices in panels, on the caller's thread: some rows of a panel of the result at a time, which stay in registers
/// while the inner dimension is walked.
/// </summary>
/// <remarks>Blocks of each number of rows are written out: .NET keeps only values with names of their own in registers.</remarks>
internal static unsafe class MatrixProduct<TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    /// <summary>Rows are computed up to the next multiple of this: memory must reach so far, and what is there does not matter.</summary>
    public const int RowMultiple = 16;

    // Vectors of 512 bits come with 32 registers, of 256 with 16; those of 128 bits are here for ARM, which has 32.
    private static readonly bool HasFewRegisters = TLanes.Count == Lanes256.Count;

    /// <summary>Gets the columns of a panel: two vectors, or one where the columns are no multiple of two.</summary>
    /// <param name="columns">All columns, a multiple of <see cref="WinogradKernels.ChannelMultiple"/>.</param>
    public static int PanelColumns(int columns) => columns % (2 * TLanes.Count) == 0 ? 2 * TLanes.Count : TLanes.Count;

    /// <summary>Computes result = left · right.</summary>
    /// <param name="left">[rows, inner].</param>
    /// <param name="right">[inner, columns].</param>
    /// <param name="result">[rows, columns].</param>
    /// <param name="rows">The rows.</param>
    /// <param name="inner">The inner dimension, of which the left matrix has a whole number of panels.</param>
    /// <param name="columns">The columns, of which the right matrix and the result have a whole number of panels.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(Panels left, Panels right, Panels result, int rows, int inner, int columns)
    {
        var factor = new Factor(left[0], left.Columns, 1, left.Columns, left.Distance, inner / left.Columns);
        for (var panel = 0; panel < columns / right.Columns; panel++)
        {
            Compute<No>(factor, right[panel], result[panel], rows, right.Columns);
        }
    }

    /// <summary>Computes result = leftᵀ · right, or adds it to the result.</summary>
    /// <param name="left">[inner, rows].</param>
    /// <param name="right">[inner, columns].</param>
    /// <param name="result">[rows, columns].</param>
    /// <param name="rows">The rows, of which the left matrix has a whole number of panels: each a multiple of eight.</param>
    /// <param name="inner">The inner dimension.</param>
    /// <param name="columns">The columns, of which the right matrix and the result have a whole number of panels.</param>
    /// <param name="adds">Whether it is added.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyTransposed(Panels left, Panels right, Panels result, int rows, int inner, int columns, bool adds)
    {
        for (var row = 0; row < rows; row += left.Columns)
        {
            var factor = new Factor(left[row / left.Columns], 1, left.Columns, inner, 0, 1);
            for (var panel = 0; panel < columns / right.Columns; panel++)
            {
                var to = result[panel] + (nint)row * right.Columns;
                if (adds)
                {
                    Compute<Yes>(factor, right[panel], to, left.Columns, right.Columns);
                }
                else
                {
                    Compute<No>(factor, right[panel], to, left.Columns, right.Columns);
                }
            }
        }
    }

    // A panel of the result, in blocks of as many rows as registers can hold, with their sums' two vectors each.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Compute<TAdds>(in Factor left, float* right, float* result, int rows, int columns)
        where TAdds : struct, IFlag
    {
        if (columns == TLanes.Count)
        {
            Sixteen<TAdds>(left, right, result, rows);
        }
        else if (HasFewRegisters)
        {
            // Blocks of six rows, and of four so that fewest are computed for nothing.
            var fours = (rows % 6) switch { 0 or 5 => 0, 3 or 4 => 1, _ => 2 };
            FourByTwo<TAdds>(left, right, result, 4 * fours);
            SixByTwo<TAdds>(left, right, result, 4 * fours, rows);
        }
        else
        {
            EightByTwo<TAdds>(left, right, result, rows);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightByTwo<TAdds>(in Factor left, float* right, float* result, int rows)
        where TAdds : struct, IFlag
    {
        var (row, step) = (left.Row, left.Inner);
        for (var r = 0; r < rows; r += 8)
        {
            TLanes a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
            TLanes b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default, b6 = default, b7 = default;
            float* part = left.Start + r * row, from = right;
            for (var p = 0; p < left.Parts; p++, part += left.Distance)
            {
                float* top = part, middle = top + 3 * row, bottom = top + 6 * row;
                for (var i = 0; i < left.Length; i++)
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
                    top += step;
                    middle += step;
                    bottom += step;
                    from += 2 * TLanes.Count;
                }
            }

            var to = result + r * 2 * TLanes.Count;
            Put<TAdds>(a0, b0, to);
            Put<TAdds>(a1, b1, to + 2 * TLanes.Count);
            Put<TAdds>(a2, b2, to + 4 * TLanes.Count);
            Put<TAdds>(a3, b3, to + 6 * TLanes.Count);
            Put<TAdds>(a4, b4, to + 8 * TLanes.Count);
            Put<TAdds>(a5, b5, to + 10 * TLanes.Count);
            Put<TAdds>(a6, b6, to + 12 * TLanes.Count);
            Put<TAdds>(a7, b7, to + 14 * TLanes.Count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SixByTwo<TAdds>(in Factor left, float* right, float* result, int first, int rows)
        where TAdds : struct, IFlag
    {
        var (row, step) = (left.Row, left.Inner);
        for (var r = first; r < rows; r += 6)
        {
            TLanes a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default;
            TLanes b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default;
            float* part = left.Start + r * row, from = right;
            for (var p = 0; p < left.Parts; p++, part += left.Distance)
            {
                float* top = part, bottom = top + 3 * row;
                for (var i = 0; i < left.Length; i++)
                {
                    TLanes a = TLanes.Load(from), b = TLanes.Load(from + TLanes.Count);
                    Add(top, a, b, ref a0, ref b0);
                    Add(top + row, a, b, ref a1, ref b1);
                    Add(top + 2 * row, a, b, ref a2, ref b2);
                    Add(bottom, a, b, ref a3, ref b3);
                    Add(bottom + row, a, b, ref a4, ref b4);
                    Add(bottom + 2 * row, a, b, ref a5, ref b5);
                    top += step;
                    bottom += step;
                    from += 2 * TLanes.Count;
                }
            }

            var to = result + r * 2 * TLanes.Count;
            Put<TAdds>(a0, b0, to);
            Put<TAdds>(a1, b1, to + 2 * TLanes.Count);
            Put<TAdds>(a2, b2, to + 4 * TLanes.Count);
            Put<TAdds>(a3, b3, to + 6 * TLanes.Count);
            Put<TAdds>(a4, b4, to + 8 * TLanes.Count);
            Put<TAdds>(a5, b5, to + 10 * TLanes.Count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourByTwo<TAdds>(in Factor left, float* right, float* result, int rows)
        where TAdds : struct, IFlag
    {
        var (row, step) = (left.Row, left.Inner);
        for (var r = 0; r < rows; r += 4)
        {
            TLanes a0 = default, a1 = default, a2 = default, a3 = default;
            TLanes b0 = default, b1 = default, b2 = default, b3 = default;
            float* part = left.Start + r * row, from = right;
            for (var p = 0; p < left.Parts; p++, part += left.Distance)
            {
                float* top = part, bottom = top + 2 * row;
                for (var i = 0; i < left.Length; i++)
                {
                    TLanes a = TLanes.Load(from), b = TLanes.Load(from + TLanes.Count);
                    Add(top, a, b, ref a0, ref b0);
                    Add(top + row, a, b, ref a1, ref b1);
                    Add(bottom, a, b, ref a2, ref b2);
                    Add(bottom + row, a, b, ref a3, ref b3);
                    top += step;
                    bottom += step;
                    from += 2 * TLanes.Count;
                }
            }

            var to = result + r * 2 * TLanes.Count;
            Put<TAdds>(a0, b0, to);
            Put<TAdds>(a1, b1, to + 2 * TLanes.Count);
            Put<TAdds>(a2, b2, to + 4 * TLanes.Count);
            Put<TAdds>(a3, b3, to + 6 * TLanes.Count);
        }
    }

    // Where a panel is a single vector, sixteen rows hide the time that an addition takes.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sixteen<TAdds>(in Factor left, float* right, float* result, int rows)
        where TAdds : struct, IFlag
    {
        var (row, step) = (left.Row, left.Inner);
        for (var r = 0; r < rows; r += 16)
        {
            TLanes a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
            TLanes b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default, b6 = default, b7 = default;
            float* part = left.Start + r * row, from = right;
            for (var p = 0; p < left.Parts; p++, part += left.Distance)
            {
                float* first = part, second = first + 4 * row, third = first + 8 * row, fourth = first + 12 * row;
                for (var i = 0; i < left.Length; i++)
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
                    first += step;
                    second += step;
                    third += step;
                    fourth += step;
                    from += TLanes.Count;
                }
            }

            var to = result + r * TLanes.Count;
            Put<TAdds>(a0, to);
            Put<TAdds>(a1, to + TLanes.Count);
            Put<TAdds>(a2, to + 2 * TLanes.Count);
            Put<TAdds>(a3, to + 3 * TLanes.Count);
            Put<TAdds>(a4, to + 4 * TLanes.Count);
            Put<TAdds>(a5, to + 5 * TLanes.Count);
            Put<TAdds>(a6, to + 6 * TLanes.Count);
            Put<TAdds>(a7, to + 7 * TLanes.Count);
            Put<TAdds>(b0, to + 8 * TLanes.Count);
            Put<TAdds>(b1, to + 9 * TLanes.Count);
            Put<TAdds>(b2, to + 10 * TLanes.Count);
            Put<TAdds>(b3, to + 11 * TLanes.Count);
            Put<TAdds>(b4, to + 12 * TLanes.Count);
            Put<TAdds>(b5, to + 13 * TLanes.Count);
            Put<TAdds>(b6, to + 14 * TLanes.Count);
            Put<TAdds>(b7, to + 15 * TLanes.Count);
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

    /// <summary>Where the numbers of the left matrix lie, or of its transpose.</summary>
    /// <param name="start">The first.</param>
    /// <param name="row">The floats from one row to the next.</param>
    /// <param name="inner">The floats from one number of a row to the next.</param>
    /// <param name="length">How many numbers of a row are so far apart.</param>
    /// <param name="distance">The floats from these to the next ones of the row.</param>
    /// <param name="parts">How many times there are as many.</param>
    private readonly struct Factor(float* start, nint row, nint inner, int length, nint distance, int parts)
    {
        public float* Start => start;

        public nint Row => row;

        public nint Inner => inner;

        public int Length => length;

        public nint Distance => distance;

        public int Parts => parts;
    }
}
