using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <content>Pooling over windows, and over all positions.</content>
internal sealed unsafe partial class ActivationKernels<TElement, TLanes>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void MaxPool(void* x, void* y, int images, in PoolShape shape)
    {
        var channels = shape.Channels;
        for (var image = 0; image < images; image++)
        {
            var source = (TElement*)x + image * shape.Size;
            var result = (TElement*)y + image * shape.ResultSize;
            for (var row = 0; row < shape.ResultHeight; row++)
            {
                for (var column = 0; column < shape.ResultWidth; column++, result += channels)
                {
                    var (rows, columns) = (shape.Window(row, shape.Height), shape.Window(column, shape.Width));
                    for (var c = 0; c < channels; c += TLanes.Count)
                    {
                        var largest = TLanes.Of(float.NegativeInfinity);
                        for (var r = rows.First; r < rows.End; r++)
                        {
                            for (var k = columns.First; k < columns.End; k++)
                            {
                                var value = Load(source + ((nint)r * shape.Width + k) * channels + c);
                                largest = TLanes.WhereMore(value, largest, value, largest);
                            }
                        }

                        Store(largest, result + c);
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void MaxPoolGradient(void* g, void* x, void* y, void* target, int images, in PoolShape shape, float* sums)
    {
        var channels = shape.Channels;
        for (var image = 0; image < images; image++)
        {
            new Span<float>(sums, (int)shape.Size).Clear();
            var source = (TElement*)x + image * shape.Size;
            var result = (TElement*)y + image * shape.ResultSize;
            var gradient = (TElement*)g + image * shape.ResultSize;
            for (var row = 0; row < shape.ResultHeight; row++)
            {
                for (var column = 0; column < shape.ResultWidth; column++, result += channels, gradient += channels)
                {
                    var (rows, columns) = (shape.Window(row, shape.Height), shape.Window(column, shape.Width));
                    for (var c = 0; c < channels; c += TLanes.Count)
                    {
                        // What is left to give: nothing, after the first of the largest values.
                        var (largest, left) = (Load(result + c), Load(gradient + c));
                        for (var r = rows.First; r < rows.End; r++)
                        {
                            for (var k = columns.First; k < columns.End; k++)
                            {
                                var place = ((nint)r * shape.Width + k) * channels + c;
                                var given = TLanes.WhereEqual(Load(source + place), largest, left, TLanes.Of(0));
                                TLanes.Store(TLanes.Load(sums + place) + given, sums + place);
                                left -= given;
                            }
                        }
                    }
                }
            }

            Round(sums, (TElement*)target + image * shape.Size, shape.Size);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void AveragePool(void* x, void* y, int images, in PoolShape shape)
    {
        var channels = shape.Channels;
        for (var image = 0; image < images; image++)
        {
            var source = (TElement*)x + image * shape.Size;
            var result = (TElement*)y + image * shape.ResultSize;
            for (var row = 0; row < shape.ResultHeight; row++)
            {
                for (var column = 0; column < shape.ResultWidth; column++, result += channels)
                {
                    var (rows, columns) = (shape.Window(row, shape.Height), shape.Window(column, shape.Width));
                    var share = TLanes.Of(1f / ((rows.End - rows.First) * (columns.End - columns.First)));
                    for (var c = 0; c < channels; c += TLanes.Count)
                    {
                        var sum = TLanes.Of(0);
                        for (var r = rows.First; r < rows.End; r++)
                        {
                            for (var k = columns.First; k < columns.End; k++)
                            {
                                sum += Load(source + ((nint)r * shape.Width + k) * channels + c);
                            }
                        }

                        Store(sum * share, result + c);
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void AveragePoolGradient(void* g, void* target, int images, in PoolShape shape)
    {
        var channels = shape.Channels;
        for (var image = 0; image < images; image++)
        {
            var gradient = (TElement*)g + image * shape.ResultSize;
            var result = (TElement*)target + image * shape.Size;
            for (var row = 0; row < shape.ResultHeight; row++)
            {
                for (var column = 0; column < shape.ResultWidth; column++, gradient += channels)
                {
                    var (rows, columns) = (shape.Window(row, shape.Height), shape.Window(column, shape.Width));
                    var share = TLanes.Of(1f / ((rows.End - rows.First) * (columns.End - columns.First)));
                    for (var c = 0; c < channels; c += TLanes.Count)
                    {
                        var spread = Load(gradient + c) * share;
                        for (var r = rows.First; r < rows.End; r++)
                        {
                            for (var k = columns.First; k < columns.End; k++)
                            {
                                Store(spread, result + ((nint)r * shape.Width + k) * channels + c);
                            }
                        }
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Mean(void* x, float* y, int images, int positions, int channels)
    {
        var share = TLanes.Of(1f / positions);
        new Span<float>(y, images * channels).Clear();
        for (var image = 0; image < images; image++, y += channels)
        {
            for (nint position = 0; position < positions; position++)
            {
                var source = (TElement*)x + ((nint)image * positions + position) * channels;
                for (var c = 0; c < channels; c += TLanes.Count)
                {
                    TLanes.Store(TLanes.Load(y + c) + Load(source + c), y + c);
                }
            }

            for (var c = 0; c < channels; c += TLanes.Count)
            {
                TLanes.Store(TLanes.Load(y + c) * share, y + c);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void MeanGradient(float* g, void* target, int images, int positions, int channels)
    {
        var share = TLanes.Of(1f / positions);
        for (var image = 0; image < images; image++, g += channels)
        {
            for (nint position = 0; position < positions; position++)
            {
                var result = (TElement*)target + ((nint)image * positions + position) * channels;
                for (var c = 0; c < channels; c += TLanes.Count)
                {
                    Store(TLanes.Load(g + c) * share, result + c);
                }
            }
        }
    }
}
