using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Files;
using SkiaSharp;

namespace Cli;

/// <summary>
/// Chooses what training starts from, where the user does not: photographs, and images that are few, start from a network that has seen
/// the world. Many small images teach a small network more.
/// </summary>
internal static class StartingPoint
{
    /// <summary>The network that photographs start from.</summary>
    public const string Pretrained = "resnet18";

    // On the shorter side: what is smaller is no photograph, and says little to a network that was trained on 224 pixels.
    private const int SmallestPhotograph = 128;

    // Of small images; fewer teach a network little that starts from nothing (docs/RESULTS.md has figures).
    private const int Many = 5_000;

    // Their sizes are read from the heads of as many files.
    private const int Looked = 200;

    // Of the network's input, on each side: as ImageNet's networks are tested, on 224 pixels of 256. Photographs are scored a little larger
    // than it was trained, since crops to train on show objects larger (Touvron et al., 2019; docs/RESULTS.md has figures).
    private const int Border = 14, PhotographSide = 256;

    /// <summary>Reads pretrained weights for photographs, of which the middle is scored: seven eighths of the side.</summary>
    /// <exception cref="FileNotFoundException">They are not on this machine.</exception>
    public static ResNetWeights ForPhotographs(string name)
    {
        var weights = ResNetWeights.Pretrained(name);
        return weights.Preprocessing is { CropBorder: 0, Input: var input } preprocessing
            ? weights.WithPreprocessing((preprocessing with { CropBorder = input.Height / Border })
                .ForInput(new ImageShape(input.Channels, PhotographSide, PhotographSide)))
            : weights;
    }

    /// <summary>Chooses, and says why.</summary>
    /// <param name="labeled">The images.</param>
    /// <param name="terminal">Where it is said.</param>
    /// <returns>The weights to start from; null to start from nothing.</returns>
    /// <exception cref="InvalidDataException">The images are of one class only.</exception>
    public static ResNetWeights? Choose(LabeledImages labeled, Terminal terminal)
    {
        labeled.RefuseOneClass(); // before a word about a start
        var files = labeled.Files;
        int[] sides = [.. (labeled.Shards is null ? OfFiles(files) : labeled.ShorterSides(Looked)).Where(side => side > 0).Order()];
        if (sides.Length == 0)
        {
            return null; // none can be read, which training says better
        }

        var (side, images) = (sides[sides.Length / 2], files.Length);
        var isSmall = side < SmallestPhotograph;
        if (isSmall && images >= Many)
        {
            terminal.Say($"{images:n0} images of about {side} pixels a side are small and many: a network for small images learns from "
                + "nothing. (--pretrained starts from a network that knows photographs, --arch takes another.)");
            return null;
        }

        var what = isSmall
            ? $"{images:n0} images of about {side} pixels a side are too few to learn from nothing"
            : $"{images:n0} photographs of about {side} pixels a side";
        try
        {
            var weights = isSmall ? ResNetWeights.Pretrained(Pretrained) : ForPhotographs(Pretrained);
            terminal.Say($"{what}: training starts from {Pretrained}, which has learnt from a million photographs, and only its head is "
                + $"trained.{(isSmall ? " Images are enlarged for it." : "")} (--layers trains more, --arch names a network to train from "
                + "nothing.)");
            return weights;
        }
        catch (FileNotFoundException exception)
        {
            terminal.Say($"{what}: they would gain from pretrained weights. {exception.Message}");
            return null;
        }
    }

    private static IEnumerable<int> OfFiles(ImageFolderRow[] files)
    {
        var every = Math.Max(1, files.Length / Looked);
        return files.Where((_, index) => index % every == 0).Select(file => ShorterSide(file.ImagePath));
    }

    private static int ShorterSide(string path)
    {
        try
        {
            RegularFile.Check(path);
            using var codec = SKCodec.Create(path);
            return codec is null ? 0 : Math.Min(codec.Info.Width, codec.Info.Height);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
