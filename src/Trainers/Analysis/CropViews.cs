using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>Views of the network's own size: the centre, or the four corners and the centre.</summary>
/// <param name="model">The model.</param>
/// <param name="corners">Whether the corners are views.</param>
internal sealed class CropViews(ResNetClassificationTransformer model, bool corners)
{
    private readonly ImageShape _input = model.Plan.Input;

    private bool IsPadded => model.Image.Source != PixelSource.Image || Math.Max(_input.Height, _input.Width) <= CropAndFlip.LargestImage;

    /// <summary>Reads the rows of a view in their order.</summary>
    public IEnumerable<ViewBatch> Read(IDataView data)
    {
        // (256 − 224) / 2 = 224 / 14
        var border = corners && !IsPadded
            ? Math.Max(model.Preprocessing.CropBorder, Math.Min(_input.Height, _input.Width) / 14)
            : model.Preprocessing.CropBorder;
        var batches = new PixelBatches(model, border, PixelBatches.SizeFor(_input.Height, _input.Width));
        using var preprocessing = new TorchPreprocessing(model.Preprocessing);
        foreach (var pixels in batches.Read(data))
        {
            yield return new ViewBatch((int)pixels.shape[0], corners ? Corners(preprocessing, pixels) : Centers(preprocessing, pixels));
        }
    }

    private static IEnumerable<Tensor> Centers(TorchPreprocessing preprocessing, Tensor pixels)
    {
        yield return preprocessing.Apply(pixels);
    }

    private IEnumerable<Tensor> Corners(TorchPreprocessing preprocessing, Tensor pixels)
    {
        var images = preprocessing.Average(pixels);
        if (IsPadded)
        {
            // The mean is subtracted before the crop and moves with it: padding is zero (CropAndFlip).
            var padding = CropAndFlip.PaddingOf(_input);
            images = F.pad(preprocessing.Normalize(preprocessing.Center(images)), [padding, padding, padding, padding]);
        }

        var (bottom, right) = (images.shape[2] - _input.Height, images.shape[3] - _input.Width);
        (long Top, long Left)[] positions = [(0, 0), (0, right), (bottom, 0), (bottom, right), (bottom / 2, right / 2)];
        foreach (var (top, left) in positions)
        {
            var crop = preprocessing.Crop(images, top, left);
            yield return IsPadded ? crop : preprocessing.Normalize(crop);
        }
    }
}
