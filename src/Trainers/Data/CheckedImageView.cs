using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// The user's view, with an image column that fails clearly: where an image is missing, undecodable, too large or truncated, its getter
/// throws a <see cref="BadImageException"/> that names the file. ML.NET's own stages read from this view.
/// </summary>
internal sealed class CheckedImageView : IDataView
{
    private readonly IDataView _source;
    private readonly string _imageColumn;
    private readonly bool _isDecoded;

    private CheckedImageView(IDataView source, string imageColumn, bool isDecoded) =>
        (_source, _imageColumn, _isDecoded) = (source, imageColumn, isDecoded);

    /// <summary>Checks a user's view. What LoadImages would read from files, our own decoder does.</summary>
    public static CheckedImageView Of(IHostEnvironment environment, IDataView source, string imageColumn, ImageDecoder decoder)
    {
        var decoded = LoadedImages.DecodedBy(environment, source, decoder);
        return new CheckedImageView(decoded, imageColumn, LoadedImages.IsDecoded(decoded));
    }

    /// <summary>Checks a view whose images our own decoder reads.</summary>
    public static CheckedImageView OfDecoded(IDataView source, string imageColumn) => new(source, imageColumn, isDecoded: true);

    public DataViewSchema Schema => _source.Schema;

    public bool CanShuffle => _source.CanShuffle;

    public long? GetRowCount() => _source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new Cursor(this, _source.GetRowCursor(WithText(columnsNeeded), rand));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [.. _source.GetRowCursorSet(WithText(columnsNeeded), n, rand).Select(cursor => new Cursor(this, cursor))];

    // Text columns describe the row in a message; one of them is the path.
    private IEnumerable<DataViewSchema.Column> WithText(IEnumerable<DataViewSchema.Column> columns) => columns.Union(Schema.Where(IsText));

    private static bool IsText(DataViewSchema.Column column) => !column.IsHidden && column.Type is TextDataViewType;

    private sealed class Cursor(CheckedImageView view, DataViewRowCursor source) : PassingCursor(source.Schema, source)
    {
        private readonly DataViewRowCursor _source = source;

        protected override Delegate? GetterOf<TValue>(DataViewSchema.Column column) =>
            column.Name == view._imageColumn && typeof(TValue) == typeof(MLImage)
                ? Checked(_source.GetGetter<MLImage>(column))
                : base.GetterOf<TValue>(column);

        private ValueGetter<MLImage> Checked(ValueGetter<MLImage> getImage) => (ref MLImage image) =>
        {
            try
            {
                getImage(ref image);
            }
            catch (InvalidDataException exception) when (view._isDecoded)
            {
                image = null!;
                throw new BadImageException(exception.Message, exception); // it names the file
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                image = null!;
                throw new BadImageException($"Image {DescribeRow()} cannot be read: {exception.Message}", exception);
            }

            if (image is null)
            {
                throw new BadImageException($"Image {DescribeRow()} is missing.", null);
            }

            // LoadImages leaves the path in the tag; images made in memory have no file to check, and our decoder has done it.
            if (!view._isDecoded && image.Tag is { Length: > 0 } path && File.Exists(path) && SourceFileCheck.IsTruncated(path))
            {
                throw new BadImageException($"Image '{path}' is truncated: the file ends before the image does.", null);
            }
        };

        private string DescribeRow()
        {
            var texts = Schema.Where(column => IsText(column) && _source.IsColumnActive(column)).Select(column =>
            {
                var value = default(ReadOnlyMemory<char>);
                _source.GetGetter<ReadOnlyMemory<char>>(column)(ref value);
                return $"{column.Name} '{value}'";
            });
            var description = string.Join(", ", texts);
            var row = _source.Position.ToString(CultureInfo.InvariantCulture);
            return description.Length > 0 ? $"of row {row} ({description})" : $"of row {row}";
        }
    }
}
