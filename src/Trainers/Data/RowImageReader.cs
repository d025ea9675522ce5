using System.Numerics;
using System.Numerics.Tensors;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Scoring;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Reads the image of a cursor's current row.</summary>
internal sealed class RowImageReader<T>
    where T : unmanaged, INumberBase<T>
{
    private readonly ImageColumn _column;
    private readonly ImagePreprocessing _preprocessing;
    private readonly double _keptScale;
    private readonly BadImageHandling _onBadImage;
    private readonly DataViewRowCursor _cursor;
    private readonly ValueGetter<MLImage>? _getImage;
    private readonly ValueGetter<VBuffer<T>> _getPixels;
    private MLImage _image = null!; // the cursor's, which disposes it on its next move
    private VBuffer<T> _pixels;

    public RowImageReader(DataViewRowCursor cursor, ImageColumn column, ImagePreprocessing preprocessing, double keptScale, BadImageHandling onBadImage)
    {
        _column = column;
        _preprocessing = preprocessing;
        _keptScale = keptScale;
        _onBadImage = onBadImage;
        _cursor = cursor;
        _getImage = column.Source == PixelSource.Image ? cursor.GetGetter<MLImage>(cursor.Schema[column.Name]) : null;
        _getPixels = cursor.GetGetter<VBuffer<T>>(ScoringChain.PixelsOf(cursor.Schema));
    }

    public StoredImage<T>? Read(LabeledRow row, bool whole)
    {
        try
        {
            return whole && _getImage is not null ? ReadWhole(_getImage, row) : ReadAsScored(row);
        }
        catch (BadImageException) when (_onBadImage == BadImageHandling.Skip)
        {
            return null;
        }
    }

    private StoredImage<T> ReadWhole(ValueGetter<MLImage> getImage, LabeledRow row)
    {
        getImage(ref _image);
        var shape = _column.Shape;
        var scale = Math.Min(1, _keptScale * Math.Max((double)shape.Height / _image.Height, (double)shape.Width / _image.Width));
        var (height, width) = ((int)Math.Ceiling(scale * _image.Height), (int)Math.Ceiling(scale * _image.Width));

        var rgb = _image.Rgb();
        var colors = new float[height * width * rgb.Length];
        Resampler.Resize(_image.Pixels, _image.Height, _image.Width, 4, rgb, CropWindow.Whole(_image.Height, _image.Width), colors, height, width);
        return new StoredImage<T>(Round(shape.Channels == 1 ? ToGrayscale(colors) : colors), height, width, row.Label, row.Weight);
    }

    // From planar, averaged and cropped, as the ONNX graph does it.
    private StoredImage<T> ReadAsScored(LabeledRow row)
    {
        _getPixels(ref _pixels);
        var (channels, height, width) = _column.Shape;
        var (k, border, (sourceHeight, sourceWidth)) = (_preprocessing.Supersampling, _preprocessing.CropBorder, _preprocessing.ResizeTo);
        var values = _pixels.IsDense ? _pixels.GetValues() : _pixels.DenseValues().ToArray();
        var result = new float[channels * height * width];
        for (var channel = 0; channel < channels; channel++)
        {
            var plane = values.Slice(channel * sourceHeight * sourceWidth, sourceHeight * sourceWidth);
            for (var y = 0; y < height * k; y++)
            {
                var line = plane.Slice((y + border * k) * sourceWidth + border * k, width * k);
                for (var x = 0; x < line.Length; x++)
                {
                    result[(y / k * width + x / k) * channels + channel] += float.CreateTruncating(line[x]);
                }
            }
        }

        if (k > 1)
        {
            TensorPrimitives.Multiply(result, 1f / (k * k), result);
        }

        if (!float.IsFinite(TensorPrimitives.Sum<float>(result)))
        {
            throw new InvalidOperationException($"Image column '{_column.Name}' has a value in row {_cursor.Position} that is infinite or not a number.");
        }

        return new StoredImage<T>(Round(result), height, width, row.Label, row.Weight);
    }

    private static float[] ToGrayscale(ReadOnlySpan<float> rgb)
    {
        var gray = new float[rgb.Length / 3];
        for (var i = 0; i < gray.Length; i++)
        {
            gray[i] = ImageColors.GrayWeights[0] * rgb[3 * i] + ImageColors.GrayWeights[1] * rgb[3 * i + 1] + ImageColors.GrayWeights[2] * rgb[3 * i + 2];
        }

        return gray;
    }

    private static T[] Round(float[] values)
    {
        if (typeof(T) == typeof(float))
        {
            return (T[])(object)values;
        }

        var rounded = new T[values.Length];
        for (var i = 0; i < rounded.Length; i++)
        {
            rounded[i] = T.CreateSaturating(MathF.Round(values[i]));
        }

        return rounded;
    }
}
