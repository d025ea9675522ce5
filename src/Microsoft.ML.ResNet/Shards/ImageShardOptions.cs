using System.Collections.Immutable;
using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet;

/// <summary>How shards are read: <see cref="ResNetCatalog.LoadImageShards"/>.</summary>
public sealed record ImageShardOptions
{
    /// <summary>Gets the names of the classes, in the order of their numbers.</summary>
    /// <value>
    /// The default is empty: the column <c>Label</c> is a text. With names it is a key, and a label is one of them, or its number in
    /// them, counted from 0.
    /// </value>
    public ImmutableArray<string> ClassNames { get; init; } = [];

    /// <summary>Gets the property of a sample's .json that is its label.</summary>
    /// <value>The default is <c>label</c>. A sample without it takes its label from .cls or, without that, from .txt.</value>
    public string LabelProperty { get; init; } = "label";

    /// <summary>Gets whether the text of a sample's .json is the column <c>Metadata</c>.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool IncludeMetadata { get; init; }

    /// <summary>Gets the seed of the order.</summary>
    /// <value>The default is <see langword="null"/>: samples come in the order of the shards, and as they lie in them.</value>
    public int? Seed { get; init; }

    /// <summary>Gets which epoch's order samples come in: each has another, from the same seed.</summary>
    /// <value>The default is 0.</value>
    public int Epoch { get; init; }

    /// <summary>Gets how many samples are read ahead and mixed, where there is a <see cref="Seed"/>.</summary>
    /// <value>The default is 1,000; 1 mixes the shards only.</value>
    public int ShuffleBuffer { get; init; } = 1_000;

    /// <summary>Gets the most bytes of image files that are read ahead to be mixed; the last one of them may go past it.</summary>
    /// <value>The default is 268,435,456 (256 MiB).</value>
    public long ShuffleBufferBytes { get; init; } = 256L << 20;

    /// <summary>Gets which share of the samples is read: its index, counted from 0, and how many shares there are.</summary>
    /// <value>
    /// The default is all of them: (0, 1). Shares have no sample in common, and together they have all. Where there are at least as many
    /// shards as shares, a share is of whole shards, other ones in each epoch; else it is of every so-many-th sample of each shard.
    /// </value>
    public (int Index, int Count) Share { get; init; } = (0, 1);

    /// <summary>Gets where to go on.</summary>
    /// <value>
    /// The default is <see langword="null"/>: at the beginning. <see cref="ImageShards.PositionAfter"/> gives others; all that decides
    /// the order must be as it was.
    /// </value>
    public ImageShardPosition? StartAt { get; init; }

    /// <summary>Gets what to do with a shard or a sample that is damaged.</summary>
    /// <value>
    /// The default is <see cref="BadImageHandling.Fail"/>. With <see cref="BadImageHandling.Skip"/> the sample, or the rest of the shard,
    /// is left out, with a warning. A shard that is not there or cannot be fetched fails in any case; and whether an image can be
    /// decoded is seen only when it is asked for, by which time it is a row: there the trainer's own option of this name decides.
    /// </value>
    public BadImageHandling OnBadImage { get; init; }

    /// <summary>Gets the most bytes of an image's file; one with more is damaged.</summary>
    /// <value>The default is 134,217,728 (128 MiB).</value>
    public int MaxImageBytes { get; init; } = 128 << 20;

    /// <summary>Gets the most pixels of an image; one with more is not decoded.</summary>
    /// <value>
    /// The default is <see langword="null"/>: 178,956,970, or a 32nd of the bytes of memory that the process may take, whichever is less.
    /// </value>
    public long? MaxImagePixels { get; init; }

    /// <summary>Gets whether a photograph is turned as its EXIF orientation says.</summary>
    /// <value>The default is <see langword="false"/>, as in ML.NET.</value>
    public bool ApplyExifOrientation { get; init; }

    /// <summary>Gets what fetches shards from http and https addresses.</summary>
    /// <value>The default is <see langword="null"/>: one of the library's own.</value>
    public HttpClient? Client { get; init; }

    /// <summary>Gets how often in turn a connection that gives nothing is made anew, before reading fails.</summary>
    /// <value>
    /// The default is 5. Each waits twice as long as the one before, a minute at most, the first for <see cref="RetryDelay"/>.
    /// </value>
    public int Retries { get; init; } = 5;

    /// <summary>Gets how long to wait before the first new connection.</summary>
    /// <value>The default is a second.</value>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Gets how long a connection may give nothing before it counts as broken.</summary>
    /// <value>The default is a minute.</value>
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromMinutes(1);

    internal ImageShardOptions Checked()
    {
        Check(!ClassNames.IsDefault && ClassNames.Distinct().Count() == ClassNames.Length, nameof(ClassNames), "names that differ");
        Check(LabelProperty is { Length: > 0 }, nameof(LabelProperty), "the name of a property");
        Check(ShuffleBuffer >= 1, nameof(ShuffleBuffer), "at least 1");
        Check(ShuffleBufferBytes >= 1, nameof(ShuffleBufferBytes), "at least 1");
        Check(Share.Index >= 0 && Share.Index < Share.Count, nameof(Share), "(index, count) with 0 ≤ index < count");
        Check(Enum.IsDefined(OnBadImage), nameof(OnBadImage), "one of the values of BadImageHandling");
        Check(MaxImageBytes is >= 1 and <= 1 << 30, nameof(MaxImageBytes), "1 to 1,073,741,824");
        Check(Retries is >= 0 and <= 30, nameof(Retries), "0 to 30");
        Check(RetryDelay >= TimeSpan.Zero && RetryDelay <= TimeSpan.FromMinutes(1), nameof(RetryDelay), "0 to a minute");
        Check(ReadTimeout > TimeSpan.Zero && ReadTimeout <= TimeSpan.FromDays(1), nameof(ReadTimeout), "more than 0, a day at most");
        ImageDecoder.CheckMaxPixels(MaxImagePixels, nameof(MaxImagePixels));
        return this;
    }

    private static void Check(bool isRight, string name, string must)
    {
        if (!isRight)
        {
            throw new ArgumentException($"Option {name} of the image shards must be {must}.", name);
        }
    }
}
