using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>
/// Goes once over labelled data that a network scores, in the data's order. Nothing of a row is kept; its image is looked at only when
/// asked for.
/// </summary>
internal sealed class ScoredRows : IDisposable
{
    private readonly ImageColumn _image;
    private readonly int[] _classOfKey;
    private readonly CancellationToken _cancellation;
    private readonly DataViewRowCursor _cursor;
    private readonly ValueGetter<uint> _getLabel;
    private readonly ValueGetter<VBuffer<float>> _getScores;
    private readonly ValueGetter<ReadOnlyMemory<char>>? _getPath;
    private readonly Func<int, Thumbnail?> _makeThumbnail;
    private uint _key;
    private VBuffer<float> _scores;
    private ReadOnlyMemory<char> _path;

    /// <param name="model">The network.</param>
    /// <param name="data">The data.</param>
    /// <param name="options">The names of its columns.</param>
    /// <param name="scored">The same rows with scores; null to have them scored as the network does.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of the wrong type, or the labels have values that are no
    /// class.</exception>
    public ScoredRows(ResNetClassificationTransformer model, IDataView data, ReportOptions options, IDataView? scored = null)
    {
        _image = model.Image;
        _image.CheckSame(data.Schema);
        _classOfKey = ClassOfKey(LabelColumn.BindOne(data.Schema, options.LabelColumnName, "a report on a network of one label"), model);
        _cancellation = options.CancellationToken;
        scored ??= model.Transform(
            _image.Source == PixelSource.Image ? CheckedImageView.Of(model.Environment, data, _image.Name, new ImageDecoder()) : data);
        var (label, scores, image) = (
            scored.Schema[options.LabelColumnName], scored.Schema[model.Added.Score], scored.Schema[_image.Name]);
        var path = scored.Schema.GetColumnOrNull(options.PathColumnName) is { Type: TextDataViewType } column
            ? column
            : (DataViewSchema.Column?)null;
        _cursor = scored.GetRowCursor(path is null ? [label, scores, image] : [label, scores, image, path.Value]);
        _getLabel = _cursor.GetGetter<uint>(label);
        _getScores = _cursor.GetGetter<VBuffer<float>>(scores);
        _getPath = path is null ? null : _cursor.GetGetter<ReadOnlyMemory<char>>(path.Value);
        _makeThumbnail = _image.Source switch
        {
            PixelSource.Image => OfImage(_cursor.GetGetter<MLImage>(image)),
            PixelSource.ByteVector => OfVector(_cursor.GetGetter<VBuffer<byte>>(image)),
            _ => OfVector(_cursor.GetGetter<VBuffer<float>>(image)),
        };
    }

    /// <summary>Gets the number of the row, counted from 0; those without a label count.</summary>
    public long Row { get; private set; } = -1;

    /// <summary>Gets the number of rows passed over because they have no label.</summary>
    public long Unlabeled { get; private set; }

    /// <summary>Gets the index of the row's class.</summary>
    public int Label => _classOfKey[_key - 1];

    /// <summary>Gets the probability of each class.</summary>
    public ReadOnlySpan<float> Scores => _scores.GetValues();

    /// <summary>Gets the path of the row's image; null where the data does not tell.</summary>
    public string? Path
    {
        get
        {
            _getPath?.Invoke(ref _path);
            return _getPath is null ? null : _path.ToString();
        }
    }

    /// <summary>Moves to the next row that has a label.</summary>
    public bool MoveNext()
    {
        while (_cursor.MoveNext())
        {
            _cancellation.ThrowIfCancellationRequested();
            Row++;
            _getLabel(ref _key);
            if (_key == 0)
            {
                Unlabeled++;
                continue;
            }

            _getScores(ref _scores);
            return true;
        }

        return false;
    }

    /// <summary>Makes a small copy of the row's image.</summary>
    public Thumbnail? MakeThumbnail(int size) => _makeThumbnail(size);

    public void Dispose() => _cursor.Dispose();

    // The data may have been given keys of its own; names decide.
    private static int[] ClassOfKey(LabelColumn label, ResNetClassificationTransformer model)
    {
        var names = label.ClassNames();
        var indices = names.Select(name => model.ClassNames.IndexOf(name)).ToArray();
        var unknown = Array.IndexOf(indices, -1);
        return unknown < 0
            ? indices
            : throw new ArgumentOutOfRangeException(
                "testData",
                $"Label column '{label.Name}' has the value '{names[unknown]}', which is no class of the network. "
                + $"Its classes are: {string.Join(", ", model.ClassNames.Take(10))}{(model.ClassNames.Length > 10 ? ", …" : "")}.");
    }

    // The image is the cursor's, which disposes it on its next move: it is copied here.
    private static Func<int, Thumbnail?> OfImage(ValueGetter<MLImage> getImage)
    {
        MLImage image = null!;
        return size =>
        {
            getImage(ref image);
            return Thumbnail.Of(image, size);
        };
    }

    private Func<int, Thumbnail?> OfVector<T>(ValueGetter<VBuffer<T>> getPixels)
        where T : unmanaged, System.Numerics.INumberBase<T>
    {
        var pixels = default(VBuffer<T>);
        return size =>
        {
            getPixels(ref pixels);
            return Thumbnail.OfPlanar<T>(pixels.IsDense ? pixels.GetValues() : pixels.DenseValues().ToArray(), _image.Shape, size);
        };
    }
}
