using System.Collections.Immutable;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>
/// What the ONNX graph does to pixels before the network reads them, in Torch and in the same order: what is analyzed is what is scored.
/// </summary>
internal sealed class TorchPreprocessing : IDisposable
{
    private readonly ImageShape _input;
    private readonly ImmutableArray<(PreprocessingStep Step, Tensor? Constant)> _steps;

    /// <param name="preprocessing">The model's.</param>
    public TorchPreprocessing(ImagePreprocessing preprocessing)
    {
        _input = preprocessing.Input;
        _steps = [.. preprocessing.Steps.Select(step => (step, ConstantOf(step)))];
    }

    /// <summary>Turns pixels into the network's input: all of the steps.</summary>
    /// <param name="pixels">[batch, channels, height, width], as <see cref="PixelBatches"/> reads them.</param>
    public Tensor Apply(Tensor pixels) => ChannelsLast(Walk(pixels.to(ScalarType.Float32), _ => true));

    /// <summary>Averages the squares of pixels that stand for one.</summary>
    public Tensor Average(Tensor pixels) => Walk(pixels.to(ScalarType.Float32), step => step is PreprocessingStep.AveragePool);

    /// <summary>Takes what the network reads: the middle.</summary>
    public Tensor Center(Tensor images) => Crop(images, (images.shape[2] - _input.Height) / 2, (images.shape[3] - _input.Width) / 2);

    /// <summary>Takes a part of the network's size.</summary>
    public Tensor Crop(Tensor images, long top, long left) => images.narrow(2, top, _input.Height).narrow(3, left, _input.Width);

    /// <summary>Subtracts the mean and divides by the deviation. A mean image is resized to images of another size.</summary>
    /// <returns>The same shape, channels-last.</returns>
    public Tensor Normalize(Tensor images) =>
        ChannelsLast(Walk(images, step => step is PreprocessingStep.Subtract or PreprocessingStep.Divide));

    public void Dispose()
    {
        foreach (var (_, constant) in _steps)
        {
            constant?.Dispose();
        }
    }

    private static Tensor? ConstantOf(PreprocessingStep step) => step switch
    {
        PreprocessingStep.Subtract subtract => ToTensor(subtract.Mean, subtract.Shape),
        PreprocessingStep.Divide divide => ToTensor(divide.StandardDeviation, divide.Shape),
        _ => null,
    };

    private static Tensor ToTensor(ImmutableArray<float> values, ImageShape shape) =>
        TensorFactory.OnCpu.Of((float[])[.. values], 1, shape.Channels, shape.Height, shape.Width);

    private Tensor Walk(Tensor x, Func<PreprocessingStep, bool> isTaken) =>
        _steps.Where(each => isTaken(each.Step)).Aggregate(x, (values, each) => Compute(each.Step, each.Constant, values));

    // The middle of what there is: views read a wider border than scoring does.
    private Tensor Compute(PreprocessingStep step, Tensor? constant, Tensor x) => step switch
    {
        PreprocessingStep.AveragePool { Size: 1 } => x,
        PreprocessingStep.AveragePool average => F.avg_pool2d(x, [average.Size, average.Size], [average.Size, average.Size]),
        PreprocessingStep.CenterCrop => Center(x),
        PreprocessingStep.Subtract => x.sub(ResizedTo(x, constant!)),
        PreprocessingStep.Divide => x.div(constant!),
        _ => throw new InvalidOperationException($"{step} has no Torch operator."),
    };

    private static Tensor ResizedTo(Tensor images, Tensor mean)
    {
        long[] size = [images.shape[2], images.shape[3]];
        return mean.shape[2] > 1 && !size.AsSpan().SequenceEqual(mean.shape.AsSpan(2))
            ? F.interpolate(mean, size, mode: InterpolationMode.Bilinear, align_corners: false)
            : mean;
    }

    private static Tensor ChannelsLast(Tensor images) => images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
}
