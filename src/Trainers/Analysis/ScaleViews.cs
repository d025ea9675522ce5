using System.Collections.Immutable;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Trainers.Data;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>Views of whole images, at several scales.</summary>
/// <param name="model">The model.</param>
/// <param name="shorterSides">The scales, as shorter sides for a network that reads 224×224.</param>
internal sealed class ScaleViews(ResNetClassificationTransformer model, ImmutableArray<int> shorterSides)
{
    /// <summary>The height and width of the paper's networks' input, which sides are relative to.</summary>
    public const double PaperInput = 224;

    private readonly ImageShape _input = model.Plan.Input;

    /// <summary>Reads the rows of a view in their order.</summary>
    public IEnumerable<ViewBatch> Read(IDataView data) => model.Image.Source == PixelSource.Image ? ReadImages(data) : ReadVectors(data);

    /// <summary>Gets the sizes of an image at each scale: those at which it just covers the network's input times side / 224.</summary>
    public (int Height, int Width)[] Sizes(int height, int width)
    {
        var covering = Math.Max((double)_input.Height / height, (double)_input.Width / width);
        return
        [
            .. shorterSides.Select(
                side => ((int)Math.Round(height * covering * side / PaperInput), (int)Math.Round(width * covering * side / PaperInput))),
        ];
    }

    // ML.NET resizes to one size only, which would leave the sides out; so whole images are resized here, as those that training crops from
    // are.
    private IEnumerable<ViewBatch> ReadImages(IDataView data)
    {
        var source = CheckedImageView.Of(model.Environment, data, model.Image.Name, new ImageDecoder());
        using var preprocessing = new TorchPreprocessing(model.Preprocessing);
        // GetRowCursor would carry images between threads, past their owner's disposing of them
        using var cursor = source.GetRowCursorSet([source.Schema[model.Image.Name]], 1)[0];
        var (getImage, image) = (cursor.GetGetter<MLImage>(source.Schema[model.Image.Name]), default(MLImage)!);
        ScaledImages? batch = null;
        try
        {
            while (cursor.MoveNext())
            {
                getImage(ref image);
                var window = ScaledImages.WindowOf(image);
                if (batch is not null && !batch.HasRoomFor(window))
                {
                    yield return new ViewBatch(batch.Count, batch.Scales(preprocessing));
                    batch.Dispose();
                    batch = null;
                }

                batch ??= new ScaledImages(window, Sizes((int)window.Height, (int)window.Width), _input.Channels);
                batch.Add(image);
            }

            if (batch is not null)
            {
                yield return new ViewBatch(batch.Count, batch.Scales(preprocessing));
            }
        }
        finally
        {
            batch?.Dispose();
        }
    }

    private IEnumerable<ViewBatch> ReadVectors(IDataView data)
    {
        var sizes = Sizes(_input.Height, _input.Width);
        var (height, width) = sizes.MaxBy(size => size.Height);
        using var preprocessing = new TorchPreprocessing(model.Preprocessing);
        foreach (var pixels in new PixelBatches(model, cropBorder: 0, PixelBatches.SizeFor(height, width)).Read(data))
        {
            yield return new ViewBatch((int)pixels.shape[0], Views(pixels));
        }

        IEnumerable<Tensor> Views(Tensor pixels) => sizes.Select(size =>
            preprocessing.Normalize(F.interpolate(
                pixels.to(ScalarType.Float32), [size.Height, size.Width], mode: InterpolationMode.Bilinear, align_corners: false)));
    }
}
