using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <content>Batch normalization, with the addition and the ReLU that follow it, and its gradients.</content>
internal sealed unsafe partial class ActivationKernels<TElement, TLanes>
{
    // Values are walked as they lie in memory, or nearly so: a CPU reads ahead along a line, and not where every row is left after a few
    // channels. Long rows are walked one by one. Short ones are taken in blocks of some lines of the cache, and each block is walked once
    // for every vector of channels, whose numbers and sums stay in registers.
    private const int LongRow = 128;
    private const int BlockValues = 256;

    // Sums are of floats within so many blocks, and of doubles beyond.
    private const int SumBlocks = 128;

    public override int RoomFor(int channels) => 2 * channels;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Sums(void* x, nint rows, int channels, float* shift, double* sums, float* room)
    {
        new Span<double>(sums, 2 * channels).Clear();
        new Span<float>(room, 2 * channels).Clear();
        var blockRows = BlockRows(channels);
        for (nint first = 0; first < rows; first += SumBlocks * blockRows)
        {
            var end = Math.Min(rows, first + SumBlocks * blockRows);
            for (var block = first; block < end; block += blockRows)
            {
                if (blockRows == 1)
                {
                    SumRow((TElement*)x + block * channels, channels, shift, room);
                    continue;
                }

                var count = Math.Min(blockRows, end - block);
                for (var c = 0; c < channels; c += TLanes.Count)
                {
                    SumBlock((TElement*)x + block * channels + c, count, channels, TLanes.Load(shift + c), room + c, room + channels + c);
                }
            }

            Move(room, sums, 2 * channels);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Normalize(
        void* x, void* shortcut, bool rectify, void* y, nint rows, int channels, float* scale, float* offset)
    {
        var px = (TElement*)x;
        var ps = (TElement*)shortcut;
        var py = (TElement*)y;
        switch (shortcut is not null, rectify)
        {
            case (true, true):
                Normalize<Yes, Yes>(px, ps, py, rows, channels, scale, offset);
                break;
            case (true, false):
                Normalize<Yes, No>(px, ps, py, rows, channels, scale, offset);
                break;
            case (false, true):
                Normalize<No, Yes>(px, ps, py, rows, channels, scale, offset);
                break;
            default:
                Normalize<No, No>(px, ps, py, rows, channels, scale, offset);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void GradientSums(
        void* g, void* g2, void* y, void* x, nint rows, int channels, float* mean, double* sums, float* room)
    {
        var pg = (TElement*)g;
        var pg2 = (TElement*)g2;
        var py = (TElement*)y;
        var px = (TElement*)x;
        switch (g2 is not null, y is not null)
        {
            case (true, true):
                GradientSums<Yes, Yes>(pg, pg2, py, px, rows, channels, mean, sums, room);
                break;
            case (true, false):
                GradientSums<Yes, No>(pg, pg2, py, px, rows, channels, mean, sums, room);
                break;
            case (false, true):
                GradientSums<No, Yes>(pg, pg2, py, px, rows, channels, mean, sums, room);
                break;
            default:
                GradientSums<No, No>(pg, pg2, py, px, rows, channels, mean, sums, room);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void NormalizeGradient(
        void* g, void* x, void* target, nint rows, int channels, float* mean, float* slope, float* lean, float* level)
    {
        var blockRows = BlockRows(channels);
        for (nint block = 0; block < rows; block += blockRows)
        {
            if (blockRows == 1)
            {
                var row = block * channels;
                NormalizeGradientRow(
                    (TElement*)g + row, (TElement*)x + row, (TElement*)target + row, channels, mean, slope, lean, level);
                continue;
            }

            var count = Math.Min(blockRows, rows - block);
            for (var c = 0; c < channels; c += TLanes.Count)
            {
                var (m, s, l, v) = (TLanes.Load(mean + c), TLanes.Load(slope + c), TLanes.Load(lean + c), TLanes.Load(level + c));
                var first = block * channels + c;
                var pg = (TElement*)g + first;
                var px = (TElement*)x + first;
                var pt = (TElement*)target + first;
                for (nint row = 0; row < count; row++, pg += channels, px += channels, pt += channels)
                {
                    var leaned = TLanes.MultiplyAdd(Load(px) - m, l, v);
                    Store(TLanes.MultiplyAdd(Load(pg), s, leaned), pt);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void NormalizeGradientRow(
        TElement* g, TElement* x, TElement* target, int channels, float* mean, float* slope, float* lean, float* level)
    {
        for (var c = 0; c < channels; c += TLanes.Count)
        {
            var leaned = TLanes.MultiplyAdd(Load(x + c) - TLanes.Load(mean + c), TLanes.Load(lean + c), TLanes.Load(level + c));
            Store(TLanes.MultiplyAdd(Load(g + c), TLanes.Load(slope + c), leaned), target + c);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumRow(TElement* x, int channels, float* shift, float* sums)
    {
        for (var c = 0; c < channels; c += TLanes.Count)
        {
            var d = Load(x + c) - TLanes.Load(shift + c);
            AddTo(sums + c, d);
            TLanes.Store(TLanes.MultiplyAdd(d, d, TLanes.Load(sums + channels + c)), sums + channels + c);
        }
    }

    // Four sums at a time, since each addition waits for the one before it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumBlock(TElement* x, nint rows, int channels, TLanes shift, float* sums, float* squares)
    {
        var (s0, s1, s2, s3) = (TLanes.Of(0), TLanes.Of(0), TLanes.Of(0), TLanes.Of(0));
        var (q0, q1, q2, q3) = (TLanes.Of(0), TLanes.Of(0), TLanes.Of(0), TLanes.Of(0));
        nint row = 0;
        for (; row <= rows - 4; row += 4, x += 4 * channels)
        {
            var d0 = Load(x) - shift;
            var d1 = Load(x + channels) - shift;
            var d2 = Load(x + 2 * channels) - shift;
            var d3 = Load(x + 3 * channels) - shift;
            (s0, s1, s2, s3) = (s0 + d0, s1 + d1, s2 + d2, s3 + d3);
            q0 = TLanes.MultiplyAdd(d0, d0, q0);
            q1 = TLanes.MultiplyAdd(d1, d1, q1);
            q2 = TLanes.MultiplyAdd(d2, d2, q2);
            q3 = TLanes.MultiplyAdd(d3, d3, q3);
        }

        for (; row < rows; row++, x += channels)
        {
            var d = Load(x) - shift;
            s0 += d;
            q0 = TLanes.MultiplyAdd(d, d, q0);
        }

        AddTo(sums, s0 + s1 + (s2 + s3));
        AddTo(squares, q0 + q1 + (q2 + q3));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Normalize<TShortcut, TRectify>(
        TElement* x, TElement* shortcut, TElement* y, nint rows, int channels, float* scale, float* offset)
        where TShortcut : struct, IFlag
        where TRectify : struct, IFlag
    {
        var blockRows = BlockRows(channels);
        for (nint block = 0; block < rows; block += blockRows)
        {
            if (blockRows == 1)
            {
                NormalizeRow<TShortcut, TRectify>(x, shortcut, y, block * channels, channels, scale, offset);
                continue;
            }

            var count = Math.Min(blockRows, rows - block);
            for (var c = 0; c < channels; c += TLanes.Count)
            {
                var (s, o) = (TLanes.Load(scale + c), TLanes.Load(offset + c));
                var first = block * channels + c;
                var end = first + count * channels;
                for (var i = first; i < end; i += channels)
                {
                    var value = TLanes.MultiplyAdd(Load(x + i), s, o);
                    if (TShortcut.IsSet)
                    {
                        value += Load(shortcut + i);
                    }

                    Store(TRectify.IsSet ? TLanes.WherePositive(value, value) : value, y + i);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void NormalizeRow<TShortcut, TRectify>(
        TElement* x, TElement* shortcut, TElement* y, nint first, int channels, float* scale, float* offset)
        where TShortcut : struct, IFlag
        where TRectify : struct, IFlag
    {
        for (var c = 0; c < channels; c += TLanes.Count)
        {
            var value = TLanes.MultiplyAdd(Load(x + first + c), TLanes.Load(scale + c), TLanes.Load(offset + c));
            if (TShortcut.IsSet)
            {
                value += Load(shortcut + first + c);
            }

            Store(TRectify.IsSet ? TLanes.WherePositive(value, value) : value, y + first + c);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GradientSums<TSecond, TRectified>(
        TElement* g, TElement* g2, TElement* y, TElement* x, nint rows, int channels, float* mean, double* sums, float* room)
        where TSecond : struct, IFlag
        where TRectified : struct, IFlag
    {
        new Span<double>(sums, 2 * channels).Clear();
        new Span<float>(room, 2 * channels).Clear();
        var blockRows = BlockRows(channels);
        for (nint first = 0; first < rows; first += SumBlocks * blockRows)
        {
            var end = Math.Min(rows, first + SumBlocks * blockRows);
            for (var block = first; block < end; block += blockRows)
            {
                if (blockRows == 1)
                {
                    GradientSumRow<TSecond, TRectified>(g, g2, y, x, block * channels, channels, mean, room);
                    continue;
                }

                var last = Math.Min(end, block + blockRows) * channels;
                for (var c = 0; c < channels; c += TLanes.Count)
                {
                    var m = TLanes.Load(mean + c);
                    var (s0, s1, p0, p1) = (TLanes.Of(0), TLanes.Of(0), TLanes.Of(0), TLanes.Of(0));
                    var i = block * channels + c;
                    for (; i < last - channels; i += 2 * channels)
                    {
                        var g0 = Complete<TSecond, TRectified>(g, g2, y, i);
                        var g1 = Complete<TSecond, TRectified>(g, g2, y, i + channels);
                        (s0, s1) = (s0 + g0, s1 + g1);
                        p0 = TLanes.MultiplyAdd(g0, Load(x + i) - m, p0);
                        p1 = TLanes.MultiplyAdd(g1, Load(x + i + channels) - m, p1);
                    }

                    if (i < last)
                    {
                        var g0 = Complete<TSecond, TRectified>(g, g2, y, i);
                        s0 += g0;
                        p0 = TLanes.MultiplyAdd(g0, Load(x + i) - m, p0);
                    }

                    AddTo(room + c, s0 + s1);
                    AddTo(room + channels + c, p0 + p1);
                }
            }

            Move(room, sums, 2 * channels);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GradientSumRow<TSecond, TRectified>(
        TElement* g, TElement* g2, TElement* y, TElement* x, nint first, int channels, float* mean, float* sums)
        where TSecond : struct, IFlag
        where TRectified : struct, IFlag
    {
        for (var c = 0; c < channels; c += TLanes.Count)
        {
            var gradient = Complete<TSecond, TRectified>(g, g2, y, first + c);
            var centered = Load(x + first + c) - TLanes.Load(mean + c);
            AddTo(sums + c, gradient);
            TLanes.Store(TLanes.MultiplyAdd(gradient, centered, TLanes.Load(sums + channels + c)), sums + channels + c);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Complete<TSecond, TRectified>(TElement* g, TElement* g2, TElement* y, nint i)
        where TSecond : struct, IFlag
        where TRectified : struct, IFlag
    {
        var gradient = Load(g + i);
        if (TSecond.IsSet)
        {
            gradient += Load(g2 + i);
        }

        if (TRectified.IsSet)
        {
            gradient = TLanes.WherePositive(Load(y + i), gradient);
        }

        if (TSecond.IsSet || TRectified.IsSet)
        {
            Store(gradient, g + i);
        }

        return gradient;
    }

    private static nint BlockRows(int channels) => channels >= LongRow ? 1 : BlockValues / channels;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(float* sums, TLanes values) => TLanes.Store(TLanes.Load(sums) + values, sums);

    // Adds floats to doubles, and clears them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Move(float* floats, double* doubles, int count)
    {
        for (var i = 0; i < count; i++)
        {
            doubles[i] += floats[i];
        }

        new Span<float>(floats, count).Clear();
    }
}
