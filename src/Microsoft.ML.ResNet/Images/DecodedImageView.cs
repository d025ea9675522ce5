using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Images;

/// <summary>What LoadImages makes of a view, but the images are read by <see cref="ImageDecoder"/>.</summary>
/// <remarks>LoadImages stays beneath: it divides rows among cursors as ever, but is never asked for an image.</remarks>
internal sealed class DecodedImageView : IDecodesImages
{
    private readonly IDataView _loaded;
    private readonly string? _folder;
    private readonly ImageDecoder _decoder;
    private readonly Dictionary<int, DataViewSchema.Column> _pathOfImage = [];

    /// <param name="loaded">The view that LoadImages made.</param>
    /// <param name="loader">LoadImages.</param>
    /// <param name="decoder">What decodes files.</param>
    public DecodedImageView(IDataView loaded, ImageLoadingTransformer loader, ImageDecoder decoder)
    {
        (_loaded, _folder, _decoder) = (loaded, loader.ImageFolder, decoder);
        foreach (var (image, path) in MLNetInternals.ColumnsOf(loader))
        {
            // Images may have taken the name of their paths, which are hidden then.
            if (Schema.GetColumnOrNull(image) is { Type: ImageDataViewType } column)
            {
                _pathOfImage.Add(column.Index, Schema.Last(each => each.Name == path && each.Type is TextDataViewType));
            }
        }
    }

    public DataViewSchema Schema => _loaded.Schema;

    public bool CanShuffle => _loaded.CanShuffle;

    public long? GetRowCount() => _loaded.GetRowCount();

    // Without the images: ML.NET may read ahead all that it is asked for.
    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        DataViewSchema.Column[] needed = [.. columnsNeeded];
        var others = WithPaths(needed).Where(column => !_pathOfImage.ContainsKey(column.Index));
        return new Cursor(this, _loaded.GetRowCursor(others, rand), needed);
    }

    // With them: ML.NET divides rows where there is something to compute.
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        DataViewSchema.Column[] needed = [.. columnsNeeded];
        return [.. _loaded.GetRowCursorSet(WithPaths(needed), n, rand).Select(cursor => new Cursor(this, cursor, needed))];
    }

    private IEnumerable<DataViewSchema.Column> WithPaths(DataViewSchema.Column[] columns) =>
        columns.Union(columns.Where(column => _pathOfImage.ContainsKey(column.Index)).Select(column => _pathOfImage[column.Index]));

    private sealed class Cursor(DecodedImageView view, DataViewRowCursor source, DataViewSchema.Column[] needed)
        : PassingCursor(view.Schema, source)
    {
        private readonly DataViewRowCursor _source = source;
        private Action? _release;

        public override bool IsColumnActive(DataViewSchema.Column column) => base.IsColumnActive(column) || needed.Contains(column);

        protected override Delegate? GetterOf<TValue>(DataViewSchema.Column column) =>
            typeof(TValue) == typeof(MLImage) && view._pathOfImage.TryGetValue(column.Index, out var path) && needed.Contains(column)
                ? Decoding(_source.GetGetter<ReadOnlyMemory<char>>(path))
                : base.GetterOf<TValue>(column);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _release?.Invoke();
            }

            base.Dispose(disposing);
        }

        // As LoadImages does it: the caller hands the last image back to be disposed, the cursor disposes the very last, and where there is
        // no path there is no image.
        private ValueGetter<MLImage> Decoding(ValueGetter<ReadOnlyMemory<char>> getPath)
        {
            var (path, last) = (default(ReadOnlyMemory<char>), default(MLImage));
            _release += () => last?.Dispose();
            return (ref MLImage image) =>
            {
                image?.Dispose();
                last = image = null!;
                getPath(ref path);
                if (path.Length > 0)
                {
                    var file = path.ToString();
                    last = image = view._decoder.Load(string.IsNullOrWhiteSpace(view._folder) ? file : Path.Combine(view._folder, file));
                }
            };
        }
    }
}
