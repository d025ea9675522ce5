using Microsoft.ML.Data;

namespace Cli;

/// <summary>Reads images one after another. One that cannot be read is named on standard error, and the rest go on.</summary>
internal sealed class ImageReader(Terminal terminal, CancellationToken cancellation)
{
    /// <summary>Gets the images that could not be read.</summary>
    public int Failed { get; private set; }

    /// <summary>Gets what the command came to: a failure if an image could not be read.</summary>
    public int ExitCode => Failed == 0 ? Cli.ExitCode.Success : Cli.ExitCode.Failure;

    /// <summary>Applies a function to the images, and shows how far it is.</summary>
    /// <param name="description">What is done.</param>
    /// <param name="paths">The images.</param>
    /// <param name="apply">Is given the index of a path, and its image, which is gone afterwards.</param>
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
            using var bytes = new MemoryStream();
            using (var stream = path == ImageInputs.StandardInput ? Console.OpenStandardInput() : File.OpenRead(path))
            {
                stream.CopyTo(bytes);
            }

            bytes.Position = 0;
            return MLImage.CreateFromStream(bytes);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Fail(path, exception.Message);
        }
        catch (ArgumentException)
        {
            Fail(path, "it is no image that can be decoded"); // ML.NET says "Invalid input stream contents"
        }

        return null;
    }

    private void Fail(string path, string reason)
    {
        Failed++;
        terminal.Say($"Image '{path}' cannot be read: {reason.TrimEnd('.')}.");
    }
}
