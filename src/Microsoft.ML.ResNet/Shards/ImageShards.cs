using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Shards;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Labeled images in shards: tar archives of many samples each, in files or on the web, in WebDataset's format. They are read as streams:
/// nothing is unpacked to a disk, and no more is in memory than the samples that are mixed.
/// </summary>
/// <remarks>
/// The columns are <c>Image</c>; <c>Label</c>, a text or, with <see cref="ImageShardOptions.ClassNames"/>, a key; and <c>ImagePath</c>, the
/// shard and the member. Each cursor reads the shards anew, all of them in the same order.
/// </remarks>
public sealed partial class ImageShards : IDataView, IDecodesImages
{
    private const string ImageColumn = "Image";
    private const string LabelColumn = "Label";
    private const string PathColumn = "ImagePath";
    private const string MetadataColumn = "Metadata";
    private const int MostSkippedTold = 1_000;

    private readonly Lock _lock = new();
    private readonly IHost _host;
    private readonly ImageShardOptions _options;
    private readonly ShardReading _reading;
    private readonly ImageDecoder _decoder;
    private readonly string _order;
    private readonly List<string> _skipped = [];
    private readonly HashSet<string> _toldOf = [];
    private readonly ImageShardPosition _start;
    private readonly List<ImageShardPosition> _groups; // where each begins that a cursor has reached
    private long _reached; // rows that a cursor has reached

    internal ImageShards(IHostEnvironment environment, IReadOnlyList<string> names, ImageShardOptions options)
    {
        _host = environment.Register(nameof(ImageShards));
        _options = options.Checked();
        Shard[] shards = [.. names.Select(name => new Shard(name))];
        Array.ForEach(shards, shard => shard.Check());
        _decoder = new ImageDecoder(options.MaxImagePixels, options.ApplyExifOrientation);
        var labels = new LabelNames(options.ClassNames);
        _reading = new ShardReading(shards, options, labels, ShardConnections.Of(options)) { Damaged = OnDamaged };
        _order = OrderOf(names, options);
        if (options.StartAt is { } start && (start.Order != _order || !IsPlace(start)))
        {
            throw new ArgumentException(
                "Option StartAt of the image shards is a place in another order: it was taken with other shards, or with another Seed, "
                + "Epoch, Share, ShuffleBuffer or ShuffleBufferBytes. Give the same ones again.", nameof(ImageShardOptions.StartAt));
        }

        _start = options.StartAt ?? new ImageShardPosition(_order, 0, 0, 0, 0, 0, 0);
        _groups = [_start with { Rows = _start.GroupRows }];
        Schema = SchemaOf(options);
    }

    /// <summary>Gets the names of the shards.</summary>
    public IReadOnlyList<string> Shards => [.. _reading.Shards.Select(shard => shard.Name)];

    /// <summary>Gets what was wrong with each sample and shard that was left out, the first thousand of them, in the order in which they
    /// were met.</summary>
    public IReadOnlyList<string> Skipped
    {
        get
        {
            lock (_lock)
            {
                return [.. _skipped];
            }
        }
    }

    /// <inheritdoc/>
    public DataViewSchema Schema { get; }

    /// <summary>Gets how they are read.</summary>
    internal ImageShardOptions Options => _options;

    /// <summary>Gets whether a reader may ask for another order: not of a view that goes on in the middle of one.</summary>
    public bool CanShuffle => _options.StartAt is null;

    /// <summary>Finds where reading can go on after some rows, by <see cref="ImageShardOptions.StartAt"/>.</summary>
    /// <param name="rows">How many rows of this view have been dealt with; as many must have been read.</param>
    /// <returns>The place.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Not so many rows have been read.</exception>
    public ImageShardPosition PositionAfter(long rows)
    {
        lock (_lock)
        {
            if (rows < 0 || rows > _reached)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(rows), rows, $"There is a position after at most {_reached} rows: as many as have been read of this view.");
            }

            var all = _start.Rows + rows;
            return _groups.FindLast(each => each.GroupRows <= all)! with { Rows = all };
        }
    }

    /// <summary>Tells that the number of rows is not known.</summary>
    /// <returns><see langword="null"/>: shards are not read to count them.</returns>
    public long? GetRowCount() => null;

    /// <inheritdoc/>
    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new Cursor(this, ActiveOf(columnsNeeded), CanShuffle ? rand?.Next() : null);

    /// <inheritdoc/>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    /// <summary>Opens the samples in the order of an epoch.</summary>
    /// <param name="seed">The seed of the order; null for that of the list.</param>
    /// <param name="epoch">The epoch: each has another order.</param>
    /// <param name="wantsImages">Whether the files of images are read, or passed over.</param>
    /// <param name="place">Where a group of that order begins.</param>
    /// <param name="group">The groups before it.</param>
    internal ShardSamples OpenSamples(int? seed, int epoch, bool wantsImages = true, ShardPlace place = default, int group = 0) =>
        new(_reading with { Options = _options with { Epoch = epoch }, WantsImages = wantsImages }, seed, place, group);

    /// <summary>Makes a view with the same columns whose rows are samples that the caller brings.</summary>
    /// <param name="next">Gets the next row's sample, which the cursor then owns; null at the end. Each cursor calls it for itself.</param>
    internal IDataView RowsOf(Func<ShardSample?> next) => new BroughtRows(this, next);

    private static DataViewSchema SchemaOf(ImageShardOptions options)
    {
        var schema = new DataViewSchema.Builder();
        schema.AddColumn(ImageColumn, new ImageDataViewType());
        if (options.ClassNames.IsEmpty)
        {
            schema.AddColumn(LabelColumn, TextDataViewType.Instance);
        }
        else
        {
            ImmutableArray<ReadOnlyMemory<char>> names = [.. options.ClassNames.Select(name => name.AsMemory())];
            var annotations = new DataViewSchema.Annotations.Builder();
            ValueGetter<VBuffer<ReadOnlyMemory<char>>> getNames = (ref VBuffer<ReadOnlyMemory<char>> values) =>
                values = new VBuffer<ReadOnlyMemory<char>>(names.Length, [.. names]);
            annotations.Add("KeyValues", new VectorDataViewType(TextDataViewType.Instance, names.Length), getNames);
            schema.AddColumn(LabelColumn, new KeyDataViewType(typeof(uint), names.Length), annotations.ToAnnotations());
        }

        schema.AddColumn(PathColumn, TextDataViewType.Instance);
        if (options.IncludeMetadata)
        {
            schema.AddColumn(MetadataColumn, TextDataViewType.Instance);
        }

        return schema.ToSchema();
    }

    private static bool IsPlace(ImageShardPosition position) =>
        position is { Group: >= 0, GroupRows: >= 0, Shard: >= 0, Sample: >= 0, Offset: >= 0 } && position.Rows >= position.GroupRows;

    private bool[] ActiveOf(IEnumerable<DataViewSchema.Column> columnsNeeded)
    {
        var active = new bool[Schema.Count];
        foreach (var column in columnsNeeded)
        {
            active[column.Index] = true;
        }

        return active;
    }

    // What the order depends on, in short.
    private static string OrderOf(IReadOnlyList<string> names, ImageShardOptions options)
    {
        var buffer = options.Seed is null ? "" : $"{options.Seed} {options.Epoch} {options.ShuffleBuffer} {options.ShuffleBufferBytes}";
        var all = $"{options.Share.Index}/{options.Share.Count} {buffer}\n{string.Join('\n', names)}";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all)).AsSpan(0, 8));
    }

    // Each is told once, however often its shard is read.
    private void OnDamaged(string what)
    {
        if (_options.OnBadImage == BadImageHandling.Fail)
        {
            throw new InvalidDataException($"{what} Mend it, or leave it out by OnBadImage = BadImageHandling.Skip.");
        }

        lock (_lock)
        {
            if (_skipped.Count == MostSkippedTold || !_toldOf.Add(what))
            {
                return;
            }

            _skipped.Add(what);
        }

        using var channel = _host.Start("Reading shards");
        channel.Warning(MessageSensitivity.UserData, "{0} It is left out.", what);
    }

    private void OnGroup(ImageShardPosition group)
    {
        lock (_lock)
        {
            if (_groups[^1].Group < group.Group)
            {
                _groups.Add(group);
            }
        }
    }

    private void OnRow(long rows)
    {
        lock (_lock)
        {
            _reached = Math.Max(_reached, rows);
        }
    }
}
