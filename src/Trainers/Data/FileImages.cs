using System.Numerics;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// Images that neither memory nor the disk has room for: decoded from their files each time that they are wanted, as they were the first
/// time.
/// </summary>
/// <remarks>
/// Rows of a view can be read in their order only, files in any. Which file a row's image is, its tag says, where LoadImages left it; that
/// the image is that file and nothing was done to it, the first reading checks pixel by pixel: see <see
/// cref="RowImageReader{T}.FindFile"/>.
/// </remarks>
internal sealed class FileImages<T> : IDisposable
    where T : unmanaged, INumberBase<T>
{
    private readonly Lock _lock = new();
    private readonly List<(string Path, bool Whole)> _files = [];
    private readonly FileImageView _view;
    private readonly DataViewRowCursor _cursor;
    private readonly RowImageReader<T> _reader;

    public FileImages(IHostEnvironment environment, ImageColumn image, ImagePreprocessing preprocessing, double keptScale, ImageDecoder decoder)
    {
        _view = new FileImageView(image.Name, decoder);
        var source = CheckedImageView.OfDecoded(_view, image.Name);
        var scored = PixelChain.Fit(environment, source, image, preprocessing.ResizeTo).Transform(source);
        _cursor = scored.GetRowCursorSet([scored.Schema[image.Name], PixelChain.PixelsOf(scored.Schema)], 1)[0]; // a set of one: others read ahead
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
    /// <exception cref="BadImageException">The file is gone, or another one.</exception>
    public T[] Read(in ImageEntry entry)
    {
        lock (_lock)
        {
            (_view.Path, var whole) = _files[entry.FileNumber];
            _cursor.MoveNext();
            var image = _reader.Read(entry.Label, entry.Weight, whole)!.Value;
            return (image.Height, image.Width) == (entry.Height, entry.Width)
                ? image.Pixels.ToArray()
                : throw new BadImageException($"Image '{_view.Path}' changed while it was trained on: it was {entry.Height}×{entry.Width} pixels as it is kept, and is {image.Height}×{image.Width}.", null);
        }
    }

    public void Dispose() => _cursor.Dispose();
}
