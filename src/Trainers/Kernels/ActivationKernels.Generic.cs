using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>The kernels, for one kind of number and one width of vectors.</summary>
/// <remarks>
/// They are optimized when they are first called: as .NET does it by default, after some thousands of rounds, the first seconds of a
/// training would be several times slower.
/// </remarks>
internal sealed unsafe partial class ActivationKernels<TElement, TLanes> : ActivationKernels
    where TElement : unmanaged, IElement<TElement>
    where TLanes : struct, ILanes<TLanes>
{
    // Values are walked as they lie in memory, or nearly so: a CPU reads ahead along a line, and not where every row is left after a few
    // channels. Long rows are walked one by one. Short ones are taken in blocks of some lines of the cache, and each block is walked once
    // for every vector of channels, whose numbers and sums stay in registers.
    private const int LongRow = 128;
    private const int BlockValues = 256;

    // Sums are of floats within so many blocks, and of doubles beyond.
    private const int SumBlocks = 128;

    private ActivationKernels()
    {
    }

    public static ActivationKernels<TElement, TLanes> Instance { get; } = new();

    public override int Lanes => TLanes.Count;

    public override int ElementSize => sizeof(TElement);

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
    public override void Add(void* a, float* keep, void* b, bool rectify, void* y, int images, nint valuesPerImage)
    {
        for (var image = 0; image < images; image++)
        {
            var first = image * valuesPerImage;
            var scale = TLanes.Of(keep is null ? 1 : keep[image]);
            for (var i = first; i < first + valuesPerImage; i += TLanes.Count)
            {
                var value = Load((TElement*)a + i);
                var sum = b is null ? value : TLanes.MultiplyAdd(value, scale, Load((TElement*)b + i));
                Store(rectify ? TLanes.WherePositive(sum, sum) : sum, (TElement*)y + i);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void AddGradient(void* g, void* g2, void* y, float* keep, void* target, int images, nint valuesPerImage)
    {
        for (var image = 0; image < images; image++)
        {
            var first = image * valuesPerImage;
            var scale = TLanes.Of(keep is null ? 1 : keep[image]);
            for (var i = first; i < first + valuesPerImage; i += TLanes.Count)
            {
                var sum = Load((TElement*)g + i);
                sum = g2 is null ? sum : sum + Load((TElement*)g2 + i);
                sum = y is null ? sum : TLanes.WherePositive(Load((TElement*)y + i), sum);
                Store(sum, (TElement*)g + i);
                if (target is not null)
                {
                    Store(keep is null ? sum : sum * scale, (TElement*)target + i);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Gate(void* x, float* gate, void* y, int images, int positions, int channels)
    {
        for (var image = 0; image < images; image++, gate += channels)
        {
            for (nint position = 0; position < positions; position++)
            {
                var first = ((nint)image * positions + position) * channels;
                for (var c = 0; c < channels; c += TLanes.Count)
                {
                    Store(Load((TElement*)x + first + c) * TLanes.Load(gate + c), (TElement*)y + first + c);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void GateGradient(
        void* g, void* x, float* gate, void* target, float* gateTarget, int images, int positions, int channels)
    {
        new Span<float>(gateTarget, images * channels).Clear();
        for (var image = 0; image < images; image++, gate += channels, gateTarget += channels)
        {
            for (nint position = 0; position < positions; position++)
            {
                var first = ((nint)image * positions + position) * channels;
                for (var c = 0; c < channels; c += TLanes.Count)
                {
                    var gradient = Load((TElement*)g + first + c);
                    var sum = TLanes.MultiplyAdd(gradient, Load((TElement*)x + first + c), TLanes.Load(gateTarget + c));
                    TLanes.Store(sum, gateTarget + c);
                    Store(gradient * TLanes.Load(gate + c), (TElement*)target + first + c);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Round(float* source, void* target, nint count)
    {
        nint i = 0;
        for (; i <= count - TLanes.Count; i += TLanes.Count)
        {
            Store(TLanes.Load(source + i), (TElement*)target + i);
        }

        for (; i < count; i++)
        {
            TElement.Store(Lanes32.Load(source + i), (TElement*)target + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void AddUp(void** parts, int partCount, nint start, nint end, float* target, bool accumulates)
    {
        var i = start;
        for (; i <= end - TLanes.Count; i += TLanes.Count)
        {
            AddUpAt<TLanes>(parts, partCount, i, target, accumulates);
        }

        for (; i < end; i++)
        {
            AddUpAt<Lanes32>(parts, partCount, i, target, accumulates);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddUpAt<TAny>(void** parts, int partCount, nint i, float* target, bool accumulates)
        where TAny : struct, ILanes<TAny>
    {
        var sum = accumulates ? TAny.Load(target + i) : TAny.Of(0);
        for (var part = 0; part < partCount; part++)
        {
            sum += TElement.Load<TAny>((TElement*)parts[part] + i);
        }

        TAny.Store(sum, target + i);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Load(TElement* source) => TElement.Load<TLanes>(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TLanes value, TElement* target) => TElement.Store(value, target);
}
