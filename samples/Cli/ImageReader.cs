using Microsoft.ML.Data;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>Reads images one after another. One that cannot be read is named on standard error, and the rest go on.</summary>
internal sealed class ImageReader(long? maxPixels, bool exifOrientation, Terminal terminal, CancellationToken cancellation)
{
    /// <summary>Gets whether one that cannot be read is the end.</summary>
    /// <value>The default is false: the rest go on.</value>
    public bool FailsOnBadImage { get; init; }

    /// <summary>Gets the images that could not be read.</summary>
    public int Failed { get; private set; }

    /// <summary>Gets what the command came to: a failure if an image could not be read.</summary>
    public int ExitCode => Failed == 0 ? Cli.ExitCode.Success : Cli.ExitCode.Failure;

    /// <summary>Applies a function to the images, and shows how far it is.</summary>
    /// <param name="description">What is done.</param>
    /// <param name="paths">The images.</param>
    /// <param name="apply">Is given the index of a path, and its image, which is gone afterwards.</param>
    /// <exception cref="InvalidDataException">An image cannot be read, and that is to be the end.</exception>
    public void ForEach(string description, IReadOnlyList<string> paths, Action<int, MLImage> apply) => terminal.Track(description, bar =>
    {
        bar?.MaxValue = paths.Count;
        foreach (var (index, path) in paths.Index())
        {
            cancellation.ThrowIfCancellationRequested();
            using var image = Read(path);
            if (image is not null)
            {
                apply(index, image);
            }

            bar?.Increment(1);
        }

        return paths.Count;
    });

    private MLImage? Read(string path)
    {
        try
        {
            if (path != ImageInputs.StandardInput)
            {
                return ResNetImage.Load(path, maxPixels, exifOrientation);
            }

            using var bytes = new MemoryStream();
            using var input = Console.OpenStandardInput();
            input.CopyTo(bytes);
            return ResNetImage.Decode(bytes.GetBuffer().AsSpan(0, (int)bytes.Length), maxPixels, exifOrientation);
        }
        catch (InvalidDataException exception)
        {
            Fail(exception.Message); // which names the image
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Fail($"Image '{path}' cannot be read: {exception.Message.TrimEnd('.')}.");
        }

        return null;
    }

    private void Fail(string message)
    {
        Failed++;
        if (FailsOnBadImage)
        {
            throw new InvalidDataException(message);
        }

        terminal.Say(message);
    }
}
