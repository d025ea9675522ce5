using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>Option A's shortcut: some of the pixels, with channels of zeros around theirs.</summary>
/// <param name="identity">The layer.</param>
/// <param name="shape">The shape of what it reads.</param>
/// <param name="layer">Its place in the plan.</param>
/// <param name="elementSize">The bytes of a number.</param>
internal sealed unsafe class PaddedIdentityOperation(PaddedIdentityLayer identity, ImageShape shape, int layer, int elementSize)
    : StepOperation
{
    private readonly int _input = identity.Inputs[0];
    private readonly ImageShape _result = identity.Output;
    private readonly nint _pixel = (nint)shape.Channels * elementSize;
    private readonly nint _resultPixel = (nint)identity.Output.Channels * elementSize;
    private readonly nint _before = (nint)identity.ChannelsBefore * elementSize;

    public override void Forward(StepWorker worker)
    {
        var y = worker.New(_result);
        NativeMemory.Clear(y.Data, (nuint)((nint)worker.Images * _result.Size * elementSize));
        Copy(worker.Images, (byte*)worker[_input].Data, (byte*)y.Data, forward: true);
        worker.Set(layer, y);
    }

    public override void Backward(StepWorker worker)
    {
        var gradient = worker.TakeGradient(layer);
        var target = worker.New(shape);
        NativeMemory.Clear(target.Data, (nuint)((nint)worker.Images * shape.Size * elementSize));
        Copy(worker.Images, (byte*)target.Data, (byte*)gradient.Data, forward: false);
        worker.Free(gradient);
        worker.FreeValue(layer);
        worker.AddGradient(_input, target);
    }

    private void Copy(int images, byte* x, byte* y, bool forward)
    {
        for (var image = 0; image < images; image++)
        {
            for (var row = 0; row < _result.Height; row++)
            {
                var source = x + ((nint)image * shape.Height + row * identity.Stride) * shape.Width * _pixel;
                for (var column = 0; column < _result.Width; column++)
                {
                    var own = source + column * identity.Stride * _pixel;
                    var padded = y + _before;
                    Unsafe.CopyBlockUnaligned(forward ? padded : own, forward ? own : padded, (uint)_pixel);
                    y += _resultPixel;
                }
            }
        }
    }
}
