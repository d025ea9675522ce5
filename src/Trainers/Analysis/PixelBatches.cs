using System.Runtime.InteropServices;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>Reads images in batches, through the ML.NET stages that the model scores with. One batch is in memory at a time.</summary>
/// <param name="model">The model.</param>
/// <param name="cropBorder">The border to read around the network's input, in its pixels; vectors have none.</param>
/// <param name="batchSize">The most images in a batch.</param>
internal sealed class PixelBatches(ResNetClassificationTransformer model, int cropBorder, int batchSize)
{
    // So many pixels of network input keep the activations of the largest networks well below a gigabyte.
    private const int PixelsPerBatch = 1 << 20;

    private const int LargestBatch = 128;

    /// <summary>Gets how many images of a size are best computed at once.</summary>
    public static int SizeFor(int height, int width) => (int)Math.Clamp(PixelsPerBatch / ((long)height * width), 1, LargestBatch);

    /// <summary>Reads the rows of a view in their order.</summary>
    /// <param name="data">The view.</param>
    /// <param name="most">The most images to read.</param>
    /// <param name="isWanted">Tells by its number whether a row is read: the images of the others are not even decoded. Null for
    /// all.</param>
    /// <returns>[count, channels, height, width], bytes or floats; each is valid until the next is asked for.</returns>
    public IEnumerable<Tensor> Read(IDataView data, long most = long.MaxValue, Func<long, bool>? isWanted = null) =>
        model.Image.Source == PixelSource.FloatVector
            ? Read<float>(data, ScalarType.Float32, most, isWanted)
            : Read<byte>(data, ScalarType.Byte, most, isWanted);

    private IEnumerable<Tensor> Read<T>(IDataView data, ScalarType type, long most, Func<long, bool>? isWanted)
        where T : unmanaged
    {
        var (image, preprocessing) = (model.Image, model.Preprocessing with { CropBorder = cropBorder });
        var source = image.Source == PixelSource.Image
            ? CheckedImageView.Of(model.Environment, data, image.Name, new ImageDecoder())
            : data;
        var scored = PixelChain.Fit(model.Environment, source, image, preprocessing.ResizeTo).Transform(source);
        var (height, width) = preprocessing.ResizeTo;

        // A set of one: GetRowCursor would split the rows among threads and read a thousand of them ahead.
        using var cursor = scored.GetRowCursorSet([PixelChain.PixelsOf(scored.Schema)], 1)[0];
        var getPixels = cursor.GetGetter<VBuffer<T>>(PixelChain.PixelsOf(cursor.Schema));
        var (pixels, left, row) = (default(VBuffer<T>), most, -1L);
        using var batch = TensorFactory.OnCpu.Empty([batchSize, image.Shape.Channels, height, width], type);
        for (var count = Fill(); count > 0; count = Fill())
        {
            using var filled = batch.narrow(0, 0, count);
            yield return filled;
        }

        int Fill()
        {
            var values = MemoryMarshal.Cast<byte, T>(batch.bytes);
            var (size, count) = (values.Length / batchSize, 0);
            for (; count < batchSize && left > 0 && MoveNext(); count++, left--)
            {
                getPixels(ref pixels);
                pixels.CopyTo(values.Slice(count * size, size));
            }

            return count;
        }

        bool MoveNext()
        {
            while (cursor.MoveNext())
            {
                row++;
                if (isWanted is null || isWanted(row))
                {
                    return true;
                }
            }

            return false;
        }
    }
}
