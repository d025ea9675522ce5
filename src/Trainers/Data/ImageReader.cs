using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.CompilerServices;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Decodes images, once, into what is kept for the whole run.</summary>
/// <remarks>
/// An image that is scored, or augmented from the network's own size, is read through the same ML.NET stages that the saved model
/// scores with, so that accuracy in training is accuracy in service. An image that is cropped at random is kept whole, reduced to
/// a small multiple of the network's input.
/// </remarks>
/// <typeparam name="T">byte, or float for vectors of floats.</typeparam>
/// <param name="environment">ML.NET's environment.</param>
/// <param name="image">The column to read.</param>
/// <param name="preprocessing">How the saved model reads images.</param>
/// <param name="keptScale">The shorter side that whole images are reduced to, relative to the network's input.</param>
/// <param name="store">Where they are kept.</param>
/// <param name="onBadImage">What to do with images that cannot be read.</param>
/// <param name="decoder">What decodes files.</param>
/// <param name="cancellation">Stops reading.</param>
internal sealed class ImageReader<T>(
    IHostEnvironment environment,
    ImageColumn image,
    ImagePreprocessing preprocessing,
    double keptScale,
    ImageStore<T> store,
    BadImageHandling onBadImage,
    ImageDecoder decoder,
    CancellationToken cancellation)
    where T : unmanaged, INumberBase<T>
{
    private readonly ConcurrentQueue<(int Place, string Failure)> _skipped = new();

    /// <summary>Gets what was wrong with the images that were skipped, in the order of their rows.</summary>
    public IEnumerable<string> Skipped => _skipped.OrderBy(each => each.Place).Select(each => each.Failure);

    /// <summary>Reads the images of some rows of a view.</summary>
    /// <param name="data">The view.</param>
    /// <param name="rows">The rows wanted.</param>
    /// <param name="whole">Tells for each row whether the whole image is kept.</param>
    /// <returns>An entry for each row; one that is not read where it could not be.</returns>
    public ImageEntry[] Read(IDataView data, LabeledRow[] rows, Func<int, bool> whole)
    {
        if (image.Source != PixelSource.Image)
        {
            // No file to fall back on, and the size is known before any is read.
            store.CheckRoom((long)rows.Length * image.Shape.Size * Unsafe.SizeOf<T>(), $"Image column '{image.Name}'");
        }

        var (scored, columns) = AsScored(data);
        var entries = new ImageEntry[rows.Length];
        new SharedRows(scored, columns, rows, cancellation).Read(cursor =>
        {
            var reader = ReaderOf(cursor);
            return place =>
            {
                entries[place] = Read(reader, rows[place], whole(place));
                if (!entries[place].IsRead)
                {
                    _skipped.Enqueue((place, reader.Failure));
                }
            };
        });
        return entries;
    }

    /// <summary>Opens a view whose rows are read one after another.</summary>
    /// <returns>A cursor, and what reads the image of its row.</returns>
    public (DataViewRowCursor Cursor, RowImageReader<T> Reader) Open(IDataView data)
    {
        var (scored, columns) = AsScored(data);
        var cursor = scored.GetRowCursorSet(columns, 1)[0]; // a set of one: other cursors read ahead
        return (cursor, ReaderOf(cursor));
    }

    private (IDataView Scored, DataViewSchema.Column[] Columns) AsScored(IDataView data)
    {
        var source = image.Source == PixelSource.Image ? CheckedImageView.Of(environment, data, image.Name, decoder) : data;
        var scored = PixelChain.Fit(environment, source, image, preprocessing.ResizeTo).Transform(source);
        return (scored, [scored.Schema[image.Name], PixelChain.PixelsOf(scored.Schema)]);
    }

    private RowImageReader<T> ReaderOf(DataViewRowCursor cursor) =>
        new(cursor, image, preprocessing, keptScale, onBadImage, decoder);

    private ImageEntry Read(RowImageReader<T> reader, LabeledRow row, bool whole)
    {
        if (reader.Read(row.Label, row.Weight, whole) is not { } read)
        {
            return default;
        }

        return store.TryAdd(in read)
            ?? (reader.FindFile() is { } path
                ? store.AddFile(path, whole, in read)
                : throw store.NoRoom($"Image column '{image.Name}'"));
    }
}
