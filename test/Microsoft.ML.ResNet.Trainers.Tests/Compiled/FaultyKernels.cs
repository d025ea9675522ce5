using Microsoft.ML.ResNet.Trainers.Kernels;

namespace Microsoft.ML.ResNet.Trainers.Tests.Compiled;

/// <summary>Kernels of which one writes a gradient that is wrong by one per cent, in its first row.</summary>
internal sealed unsafe class FaultyKernels(ActivationKernels right, string wrong) : ActivationKernels
{
    public override int Lanes => right.Lanes;

    public override int ElementSize => right.ElementSize;

    public override int RoomFor(int channels) => right.RoomFor(channels);

    public override void Sums(void* x, nint rows, int channels, float* shift, double* sums, float* room)
    {
        right.Sums(x, rows, channels, shift, sums, room);
    }

    public override void Normalize(void* x, void* shortcut, bool rectify, void* y, nint rows, int channels, float* scale, float* offset)
    {
        right.Normalize(x, shortcut, rectify, y, rows, channels, scale, offset);
    }

    public override void GradientSums(
        void* g, void* g2, void* y, void* x, nint rows, int channels, float* mean, double* sums, float* room)
    {
        right.GradientSums(g, g2, y, x, rows, channels, mean, sums, room);
        Spoil(nameof(GradientSums), new Span<double>(sums, channels));
    }

    public override void NormalizeGradient(
        void* g, void* x, void* target, nint rows, int channels, float* mean, float* slope, float* lean, float* level)
    {
        right.NormalizeGradient(g, x, target, rows, channels, mean, slope, lean, level);
        Spoil(nameof(NormalizeGradient), new Span<float>(target, channels));
    }

    public override void Add(void* a, float* keep, void* b, bool rectify, void* y, int images, nint valuesPerImage)
    {
        right.Add(a, keep, b, rectify, y, images, valuesPerImage);
    }

    public override void AddGradient(void* g, void* g2, void* y, float* keep, void* target, int images, nint valuesPerImage)
    {
        right.AddGradient(g, g2, y, keep, target, images, valuesPerImage);
        Spoil(nameof(AddGradient), new Span<float>(g, (int)valuesPerImage));
    }

    public override void MaxPool(void* x, void* y, int images, in PoolShape shape)
    {
        right.MaxPool(x, y, images, in shape);
    }

    public override void MaxPoolGradient(void* g, void* x, void* y, void* target, int images, in PoolShape shape, float* sums)
    {
        right.MaxPoolGradient(g, x, y, target, images, in shape, sums);
        Spoil(nameof(MaxPoolGradient), new Span<float>(target, (int)shape.Size));
    }

    public override void AveragePool(void* x, void* y, int images, in PoolShape shape)
    {
        right.AveragePool(x, y, images, in shape);
    }

    public override void AveragePoolGradient(void* g, void* target, int images, in PoolShape shape)
    {
        right.AveragePoolGradient(g, target, images, in shape);
        Spoil(nameof(AveragePoolGradient), new Span<float>(target, (int)shape.Size));
    }

    public override void Mean(void* x, float* y, int images, int positions, int channels)
    {
        right.Mean(x, y, images, positions, channels);
    }

    public override void MeanGradient(float* g, void* target, int images, int positions, int channels)
    {
        right.MeanGradient(g, target, images, positions, channels);
        Spoil(nameof(MeanGradient), new Span<float>(target, positions * channels));
    }

    public override void Gate(void* x, float* gate, void* y, int images, int positions, int channels)
    {
        right.Gate(x, gate, y, images, positions, channels);
    }

    public override void GateGradient(
        void* g, void* x, float* gate, void* target, float* gateTarget, int images, int positions, int channels)
    {
        right.GateGradient(g, x, gate, target, gateTarget, images, positions, channels);
        Spoil(nameof(GateGradient), new Span<float>(gateTarget, channels));
    }

    public override void Round(float* source, void* target, nint count)
    {
        right.Round(source, target, count);
    }

    public override void AddUp(void** parts, int partCount, nint start, nint end, float* target, bool accumulates)
    {
        right.AddUp(parts, partCount, start, end, target, accumulates);
    }

    private void Spoil(string method, Span<float> values)
    {
        if (method == wrong)
        {
            foreach (ref var value in values)
            {
                value *= 1.01f;
            }
        }
    }

    private void Spoil(string method, Span<double> values)
    {
        if (method == wrong)
        {
            foreach (ref var value in values)
            {
                value *= 1.01;
            }
        }
    }
}
