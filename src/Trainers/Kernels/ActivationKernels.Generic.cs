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
    private ActivationKernels()
    {
    }

    public static ActivationKernels<TElement, TLanes> Instance { get; } = new();

    public override int Lanes => TLanes.Count;

    public override int ElementSize => sizeof(TElement);

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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Load(TElement* source) => TElement.Load<TLanes>(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TLanes value, TElement* target) => TElement.Store(value, target);
}
