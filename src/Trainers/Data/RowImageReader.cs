using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Reads the image of a cursor's current row.</summary>
internal sealed class RowImageReader<T>
    where T : unmanaged, INumberBase<T>
{
    private readonly ImageColumn _column;
    private readonly ImagePreprocessing _preprocessing;
    private readonly double _keptScale;
    private readonly BadImageHandling _onBadImage;
    private readonly ImageDecoder _decoder;
    private readonly DataViewRowCursor _cursor;
    private readonly ValueGetter<MLImage>? _getImage;
    private readonly ValueGetter<VBuffer<T>> _getPixels;
    private MLImage _image = null!; // the cursor's, which disposes it on its next move
    private VBuffer<T> _pixels;
    private float[] _sums = [];
    private T[] _result = [];

    public RowImageReader(
        DataViewRowCursor cursor,
        ImageColumn column,
        ImagePreprocessing preprocessing,
        double keptScale,
        BadImageHandling onBadImage,
        ImageDecoder decoder)
    {
        _column = column;
        _preprocessing = preprocessing;
        _keptScale = keptScale;
        _onBadImage = onBadImage;
        _decoder = decoder;
        _cursor = cursor;
        _getImage = column.Source == PixelSource.Image ? cursor.GetGetter<MLImage>(cursor.Schema[column.Name]) : null;
        _getPixels = cursor.GetGetter<VBuffer<T>>(PixelChain.PixelsOf(cursor.Schema));
    }

    /// <summary>Gets what was wrong with the last image that is to be skipped.</summary>
    public string Failure { get; private set; } = "";

    /// <summary>Reads the row's image.</summary>
    /// <param name="label">Its class.</param>
    /// <param name="weight">Its weight.</param>
    /// <param name="whole">Whether the whole image is kept.</param>
    /// <returns>The image, valid until the next is read; null if it cannot be read, and is to be skipped.</returns>
    public StoredImage<T>? Read(int label, float weight, bool whole)
    {
        try
        {
            var (height, width) = whole && _getImage is not null ? ReadWhole(_getImage) : ReadAsScored();
            return new StoredImage<T>(_result.AsMemory(0, height * width * _column.Shape.Channels), height, width, label, weight);
        }
        catch (BadImageException exception) when (_onBadImage == BadImageHandling.Skip)
        {
            Failure = exception.Message;
            return null;
        }
    }

    /// <summary>Finds the file from which LoadImages read the row's image, if the image was not changed after that.</summary>
    /// <returns>Its path; null if there is none.</returns>
    public string? FindFile()
    {
        if (_getImage is null)
        {
            return null;
        }

        _getImage(ref _image);
        if (_image.Tag is not { Length: > 0 } path || !File.Exists(path))
        {
            return null;
        }

        using var file = _decoder.Load(path);
        var isSame = file.PixelFormat == _image.PixelFormat
            && (file.Height, file.Width) == (_image.Height, _image.Width)
            && file.Pixels.SequenceEqual(_image.Pixels);
        return isSame ? Path.GetFullPath(path) : null;
    }

    private (int Height, int Width) ReadWhole(ValueGetter<MLImage> getImage)
    {
        getImage(ref _image);
        var shape = _column.Shape;
        var scale = Math.Min(1, _keptScale * Math.Max((double)shape.Height / _image.Height, (double)shape.Width / _image.Width));
        var (height, width) = ((int)Math.Ceiling(scale * _image.Height), (int)Math.Ceiling(scale * _image.Width));

        var rgb = _image.Rgb();
        var source = new SourcePixels<byte>(_image.Pixels, _image.Height, _image.Width, 4, rgb);
        if (typeof(T) == typeof(byte) && shape.Channels == rgb.Length)
        {
            var result = MemoryMarshal.Cast<T, byte>(Result(height * width * rgb.Length));
            Resampler.Resize(source, result, height, width);
            return (height, width);
        }

        var colors = Sums(height * width * rgb.Length);
        Resampler.Resize(source, colors, height, width);
        Round(shape.Channels == 1 ? ToGrayscale(colors) : colors);
        return (height, width);
    }

    // From planar, averaged and cropped, as the ONNX graph does it.
    private (int Height, int Width) ReadAsScored()
    {
        _getPixels(ref _pixels);
        var (channels, height, width) = _column.Shape;
        var values = _pixels.IsDense ? _pixels.GetValues() : _pixels.DenseValues().ToArray();
        if (typeof(T) == typeof(byte) && _preprocessing is { Supersampling: 1, CropBorder: 0 })
        {
            Interleave(values, Result(channels * height * width), channels);
            return (height, width);
        }

        var (k, border, (sourceHeight, sourceWidth)) = (_preprocessing.Supersampling, _preprocessing.CropBorder, _preprocessing.ResizeTo);
        var result = Sums(channels * height * width);
        result.Clear();
        for (var channel = 0; channel < channels; channel++)
        {
            var plane = values.Slice(channel * sourceHeight * sourceWidth, sourceHeight * sourceWidth);
            for (var y = 0; y < height * k; y++)
            {
                var row = plane.Slice((y + border * k) * sourceWidth + border * k, width * k);
                AddSquares(row, k, result.Slice(y / k * width * channels + channel), channels);
            }
        }

        if (k > 1)
        {
            TensorPrimitives.Multiply(result, 1f / (k * k), result);
        }

        if (!float.IsFinite(TensorPrimitives.Sum<float>(result)))
        {
            throw new InvalidOperationException(
                $"Image column '{_column.Name}' has a value in row {_cursor.Position} that is infinite or not a number.");
        }

        Round(result);
        return (height, width);
    }

    // Adds each k values of a row to one result.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddSquares(ReadOnlySpan<T> row, int k, Span<float> result, int stride)
    {
        if (typeof(T) == typeof(byte))
        {
            // Whole numbers: their sums are exact in any order.
            var bytes = MemoryMarshal.Cast<T, byte>(row);
            var write = 0;
            for (var x = 0; x + k <= bytes.Length; x += k)
            {
                var sum = 0;
                foreach (var value in bytes.Slice(x, k))
                {
                    sum += value;
                }

                result[write] += sum;
                write += stride;
            }

            return;
        }

        for (var x = 0; x < row.Length; x++)
        {
            result[x / k * stride] += float.CreateTruncating(row[x]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Interleave(ReadOnlySpan<T> planar, Span<T> result, int channels)
    {
        var pixels = result.Length / channels;
        if (channels == 3)
        {
            ReadOnlySpan<T> red = planar[..pixels], green = planar.Slice(pixels, pixels), blue = planar.Slice(2 * pixels, pixels);
            for (int i = 0, write = 0; write + 2 < result.Length; i++, write += 3)
            {
                result[write] = red[i];
                result[write + 1] = green[i];
                result[write + 2] = blue[i];
            }

            return;
        }

        for (var channel = 0; channel < channels; channel++)
        {
            var plane = planar.Slice(channel * pixels, pixels);
            for (var i = 0; i < plane.Length; i++)
            {
                result[i * channels + channel] = plane[i];
            }
        }
    }

    // In place: a pixel's gray is written where it, or one before it, was read.
    private static Span<float> ToGrayscale(Span<float> rgb)
    {
        var gray = rgb[..(rgb.Length / 3)];
        var weights = ImageColors.GrayWeights;
        for (var i = 0; i < gray.Length; i++)
        {
            gray[i] = weights[0] * rgb[3 * i] + weights[1] * rgb[3 * i + 1] + weights[2] * rgb[3 * i + 2];
        }

        return gray;
    }

    private void Round(Span<float> values)
    {
        var result = Result(values.Length);
        if (typeof(T) == typeof(float))
        {
            values.CopyTo(MemoryMarshal.Cast<T, float>(result));
            return;
        }

        Resampler.Round(values, MemoryMarshal.Cast<T, byte>(result));
    }

    private Span<float> Sums(int length)
    {
        if (_sums.Length < length)
        {
            _sums = new float[length];
        }

        return _sums.AsSpan(0, length);
    }

    private Span<T> Result(int length)
    {
        if (_result.Length < length)
        {
            _result = new T[length];
        }

        return _result.AsSpan(0, length);
    }
}
