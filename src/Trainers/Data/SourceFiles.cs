using System.Numerics;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// The source files of images that fit neither into memory nor on the disk. They are decoded each time that they are needed, in the same
/// way as the first time.
/// </summary>
/// <remarks>
/// Rows of a view can be read in their order only, files in any order. LoadImages writes an image's path into its tag. The first reading
/// compares image and file pixel by pixel, so that an image that was changed after loading is never read from here: see
/// <see cref="RowImageReader{T}.FindFile"/>.
/// </remarks>
internal sealed class SourceFiles<T> : IDisposable
    where T : unmanaged, INumberBase<T>
{
    private readonly Lock _lock = new();
    private readonly List<(string Path, bool Whole)> _files = [];
    private readonly SourceFileView _view;
    private readonly DataViewRowCursor _cursor;
    private readonly RowImageReader<T> _reader;

    public SourceFiles(
        IHostEnvironment environment, ImageColumn image, ImagePreprocessing preprocessing, double keptScale, ImageDecoder decoder)
    {
        _view = new SourceFileView(image.Name, decoder);
        var source = CheckedImageView.OfDecoded(_view, image.Name);
        var scored = PixelChain.Fit(environment, source, image, preprocessing.ResizeTo).Transform(source);

        // A set of one: other cursors read ahead.
        _cursor = scored.GetRowCursorSet([scored.Schema[image.Name], PixelChain.PixelsOf(scored.Schema)], 1)[0];
        _reader = new RowImageReader<T>(_cursor, image, preprocessing, keptScale, BadImageHandling.Fail, decoder);
    }

    /// <summary>Gets the number of files.</summary>
    public int Count => _files.Count;

    /// <summary>Adds a file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="whole">Whether the whole image is kept.</param>
    /// <returns>The file's number.</returns>
    public int Add(string path, bool whole)
    {
        lock (_lock)
        {
            _files.Add((path, whole));
            return _files.Count - 1;
        }
    }

    /// <summary>Decodes an image again.</summary>
    /// <exception cref="BadImageException">The file no longer exists, or is another image now.</exception>
    public T[] Read(in ImageEntry entry)
    {
        lock (_lock)
        {
            (_view.Path, var whole) = _files[entry.FileNumber];
            _cursor.MoveNext();
            var image = _reader.Read(entry.Label, entry.Weight, whole)!.Value;
            return (image.Height, image.Width) == (entry.Height, entry.Width)
                ? image.Pixels.ToArray()
                : throw new BadImageException(
                    $"Image '{_view.Path}' changed while it was trained on: "
                    + $"it was {entry.Height}×{entry.Width} pixels as it is kept, and is {image.Height}×{image.Width}.",
                    null);
        }
    }

    public void Dispose() => _cursor.Dispose();
}
