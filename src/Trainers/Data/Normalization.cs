using System.Numerics.Tensors;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Turns pixels into what the network reads: (pixel − mean) / deviation, value by value.</summary>
internal sealed class Normalization
{
    private readonly float[] _mean;      // of each value of an image, channels last
    private readonly float[] _scale;     // 1 / deviation, likewise

    public Normalization(ImagePreprocessing preprocessing)
    {
        var (channels, height, width) = preprocessing.Input;
        _mean = new float[preprocessing.Input.Size];
        _scale = new float[_mean.Length];
        for (var i = 0; i < _mean.Length; i++)
        {
            var (pixel, channel) = (i / channels, i % channels);
            _mean[i] = preprocessing.Mean[preprocessing.HasMeanImage ? channel * height * width + pixel : channel];
            _scale[i] = 1 / preprocessing.StandardDeviation[channel];
        }
    }

    /// <summary>Gets what is subtracted from each value of an image, channels last.</summary>
    public ReadOnlySpan<float> Mean => _mean;

    /// <summary>Normalizes an image in place.</summary>
    public void Apply(Span<float> image)
    {
        TensorPrimitives.Subtract(image, _mean, image);
        TensorPrimitives.Multiply(image, _scale, image);
    }

    /// <summary>Turns the network's values back into pixels, in place.</summary>
    public void Undo(Span<float> image)
    {
        TensorPrimitives.Divide(image, _scale, image);
        TensorPrimitives.Add(image, _mean, image);
    }
}
