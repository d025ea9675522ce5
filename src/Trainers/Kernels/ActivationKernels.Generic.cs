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
    // All kernels walk values as they lie in memory: a CPU reads ahead along a line, and not where every row is left after a few channels.
    // For sums, rows of few channels are walked as longer ones: an addition need not wait for the one just before it.
    private const int LeastColumns = 512;

    // Sums are of floats within so many of these rows, and of doubles beyond.
    private const int BlockRows = 128;

    private ActivationKernels()
    {
    }

    public static ActivationKernels<TElement, TLanes> Instance { get; } = new();

    public override int Lanes => TLanes.Count;

    public override int ElementSize => sizeof(TElement);

    public override int RoomFor(int channels) => 3 * Columns(channels);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Sums(void* x, nint rows, int channels, float* shift, double* sums, float* room)
    {
        var columns = Columns(channels);
        float* shifts = room, values = room + columns, squares = room + 2 * columns;
        Begin(shift, channels, room, sums);
        var end = rows * channels;
        for (nint block = 0; block < end; block += BlockRows * columns)
        {
            var blockEnd = Math.Min(end, block + BlockRows * columns);
            for (var row = block; row < blockEnd; row += columns)
            {
                var px = (TElement*)x + row;
                var count = (int)Math.Min(columns, blockEnd - row);
                for (var i = 0; i < count; i += TLanes.Count)
                {
                    var d = Load(px + i) - TLanes.Load(shifts + i);
                    TLanes.Store(TLanes.Load(values + i) + d, values + i);
                    TLanes.Store(TLanes.MultiplyAdd(d, d, TLanes.Load(squares + i)), squares + i);
                }
            }

            Move(values, channels, sums);
            Move(squares, channels, sums + channels);
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
        for (nint row = 0; row < rows; row++)
        {
            var first = row * channels;
            TElement* pg = (TElement*)g + first, px = (TElement*)x + first, pt = (TElement*)target + first;
            for (var c = 0; c < channels; c += TLanes.Count)
            {
                var centered = Load(px + c) - TLanes.Load(mean + c);
                var leaned = TLanes.MultiplyAdd(centered, TLanes.Load(lean + c), TLanes.Load(level + c));
                Store(TLanes.MultiplyAdd(Load(pg + c), TLanes.Load(slope + c), leaned), pt + c);
            }
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
    private static void Normalize<TShortcut, TRectify>(
        TElement* x, TElement* shortcut, TElement* y, nint rows, int channels, float* scale, float* offset)
        where TShortcut : struct, IFlag
        where TRectify : struct, IFlag
    {
        for (nint row = 0; row < rows; row++)
        {
            var first = row * channels;
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
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GradientSums<TSecond, TRectified>(
        TElement* g, TElement* g2, TElement* y, TElement* x, nint rows, int channels, float* mean, double* sums, float* room)
        where TSecond : struct, IFlag
        where TRectified : struct, IFlag
    {
        var columns = Columns(channels);
        float* means = room, values = room + columns, products = room + 2 * columns;
        Begin(mean, channels, room, sums);
        var end = rows * channels;
        for (nint block = 0; block < end; block += BlockRows * columns)
        {
            var blockEnd = Math.Min(end, block + BlockRows * columns);
            for (var row = block; row < blockEnd; row += columns)
            {
                var count = (int)Math.Min(columns, blockEnd - row);
                for (var i = 0; i < count; i += TLanes.Count)
                {
                    var gradient = Complete<TSecond, TRectified>(g, g2, y, row + i);
                    var centered = Load(x + row + i) - TLanes.Load(means + i);
                    TLanes.Store(TLanes.Load(values + i) + gradient, values + i);
                    TLanes.Store(TLanes.MultiplyAdd(gradient, centered, TLanes.Load(products + i)), products + i);
                }
            }

            Move(values, channels, sums);
            Move(products, channels, sums + channels);
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

    private static int Columns(int channels) => Math.Max(1, LeastColumns / channels) * channels;

    // Repeats a number of each channel over the columns, and clears what is added to.
    private static void Begin(float* numbers, int channels, float* room, double* sums)
    {
        var columns = Columns(channels);
        for (var first = 0; first < columns; first += channels)
        {
            new Span<float>(numbers, channels).CopyTo(new Span<float>(room + first, channels));
        }

        new Span<float>(room + columns, 2 * columns).Clear();
        new Span<double>(sums, 2 * channels).Clear();
    }

    // Adds the sums of the columns to those of their channels, and clears them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Move(float* values, int channels, double* sums)
    {
        var columns = Columns(channels);
        for (var first = 0; first < columns; first += channels)
        {
            for (var c = 0; c < channels; c++)
            {
                sums[c] += values[first + c];
            }
        }

        new Span<float>(values, columns).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Load(TElement* source) => TElement.Load<TLanes>(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TLanes value, TElement* target) => TElement.Store(value, target);
}
