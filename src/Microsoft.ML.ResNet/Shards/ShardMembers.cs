using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.ML.ResNet.Files;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Shards;

/// <summary>Gathers the members of one key, each within its bound; and what is wrong with them, which comes first.</summary>
internal sealed class ShardMembers(ImageShardOptions options, LabelNames labels)
{
    private const int LongestText = 1 << 20; // of a label, or of what is known of an image

    private string? _imageName;
    private int _imageLength;
    private byte[]? _content;
    private string? _json;
    private string? _class;
    private string? _text;

    /// <summary>Gets what is wrong, as the end of a sentence that begins with the sample; null if nothing is.</summary>
    public string? Problem { get; private set; }

    /// <summary>Forgets what was gathered.</summary>
    public void Clear()
    {
        if (_content is not null)
        {
            ArrayPool<byte>.Shared.Return(_content);
        }

        (_imageName, _imageLength, _content, _json, _class, _text, Problem) = (null, 0, null, null, null, null, null);
    }

    /// <summary>Takes the member that a reader is at, if it is one that is known.</summary>
    /// <param name="member">Its name.</param>
    /// <param name="extension">What follows the key's point in it, in small letters.</param>
    /// <param name="tar">The reader.</param>
    /// <param name="wantsImage">Whether an image is read, or its length only noted.</param>
    public void Take(string member, string extension, BoundedTarReader tar, bool wantsImage)
    {
        switch (extension)
        {
            case "jpg" or "jpeg" or "png" or "webp" or "bmp" or "gif":
                TakeImage(member, tar, wantsImage);
                break;
            case "json":
                _json = TakeText(member, tar, _json);
                break;
            case "cls":
                _class = TakeText(member, tar, _class);
                break;
            case "txt":
                _text = TakeText(member, tar, _text);
                break;
        }
    }

    /// <summary>Makes the sample.</summary>
    /// <returns>The sample; null where something is wrong.</returns>
    public ShardSample? Finish(Shard shard, int shardIndex, int number)
    {
        if (_imageName is null)
        {
            Problem ??= "has no image: no member of its key ends in .jpg, .jpeg, .png, .webp, .bmp or .gif";
        }

        var label = Problem is null ? Label() : null;
        var key = 0u;
        if (label is not null && !labels.TryFind(label, out key))
        {
            Problem = $"has the label {Quote(label)}, which is none of the {options.ClassNames.Length} class names of the options";
        }

        if (Problem is not null)
        {
            return null;
        }

        var sample = new ShardSample(shardIndex, number)
        {
            ImagePath = shard.PathOf(_imageName!),
            ImageLength = _imageLength,
            Content = _content,
            Label = label,
            Key = key,
            Metadata = _json,
        };
        _content = null; // the sample's now
        return sample;
    }

    private void TakeImage(string member, BoundedTarReader tar, bool wantsImage)
    {
        if (_imageName is not null)
        {
            Problem ??= $"has two images, {Quote(_imageName)} and {Quote(member)}";
            return;
        }

        if (tar.Length > options.MaxImageBytes)
        {
            Problem ??= string.Create(
                CultureInfo.InvariantCulture,
                $"has an image {Quote(member)} of {tar.Length:n0} bytes, but at most {options.MaxImageBytes:n0} are read (MaxImageBytes)");
            return;
        }

        (_imageName, _imageLength) = (member, (int)tar.Length);
        if (wantsImage)
        {
            _content = ArrayPool<byte>.Shared.Rent(_imageLength);
            tar.ReadExactly(_content.AsSpan(0, _imageLength));
        }
    }

    private string? TakeText(string member, BoundedTarReader tar, string? before)
    {
        if (before is not null)
        {
            Problem ??= $"has two members {Quote(member)}";
            return before;
        }

        if (tar.Length > LongestText)
        {
            Problem ??= string.Create(
                CultureInfo.InvariantCulture,
                $"has a text {Quote(member)} of {tar.Length:n0} bytes, but at most {LongestText:n0} are read");
            return null;
        }

        var bytes = ArrayPool<byte>.Shared.Rent((int)tar.Length);
        try
        {
            var content = bytes.AsSpan(0, (int)tar.Length);
            tar.ReadExactly(content);
            return Encoding.UTF8.GetString(content);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    // A name is better than a number, and a .txt may be anything.
    private string? Label() => (LabelOfJson() ?? _class ?? _text)?.Trim() is { Length: > 0 } label ? label : null;

    private string? LabelOfJson()
    {
        if (_json is null)
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(_json);
            return json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty(options.LabelProperty, out var label)
                ? label.ValueKind switch
                {
                    JsonValueKind.String => label.GetString(),
                    JsonValueKind.Number => label.GetRawText(),
                    _ => null,
                }
                : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The second is of a text with half a letter.
            Problem ??= $"has a .json that is none: {exception.Message.TrimEnd('.')}";
            return null;
        }
    }
}
