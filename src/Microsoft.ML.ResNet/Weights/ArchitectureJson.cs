using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// A network as JSON, for files that hold tensors and no graph: where no row of the table is it, its name alone would not bring it back.
/// </summary>
internal static class ArchitectureJson
{
    private const int MostStages = 8;
    private const int MostBlocks = 4096; // more than twice those of ResNet-1202, in a stage
    private const int LargestNumber = 4096; // of channels, groups and the like; the widest network of the table has 128

    /// <summary>Tells whether the name says enough: a row of the table has it, and is this network.</summary>
    public static bool IsInTable(ResNetArchitecture architecture) =>
        ResNetArchitecture.All.Any(row => row.Name == architecture.Name && row.IsSameButForName(architecture));

    /// <summary>Writes all but the name.</summary>
    public static string Write(ResNetArchitecture architecture)
    {
        var text = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            json.WriteString("block", architecture.Block.ToString());
            json.WriteStartArray("depths");
            foreach (var depth in architecture.Depths)
            {
                json.WriteNumberValue(depth);
            }

            json.WriteEndArray();
            json.WriteString("stem", architecture.Stem.ToString());
            json.WriteString("shortcut", architecture.Shortcut.ToString());
            json.WriteString("transition", architecture.Transition.ToString());
            json.WriteString("bottleneck_stride", architecture.BottleneckStride.ToString());
            json.WriteNumber("base_width", architecture.BaseWidth);
            json.WriteNumber("groups", architecture.Groups);
            json.WriteNumber("width_per_group", architecture.WidthPerGroup);
            json.WriteNumber("squeeze_reduction", architecture.SqueezeReduction);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    /// <summary>Reads what <see cref="Write"/> wrote; the network has no name yet.</summary>
    /// <inheritdoc cref="MetadataJson.ReadPreprocessing" path="/exception"/>
    public static ResNetArchitecture Read(string json)
    {
        using var document = JsonDocument.Parse(json, MetadataJson.Options);
        var fields = document.RootElement;
        return new ResNetArchitecture("", Choice<BlockKind>(fields, "block"), Depths(fields))
        {
            Stem = Choice<StemKind>(fields, "stem"),
            Shortcut = Choice<ShortcutKind>(fields, "shortcut"),
            Transition = Choice<TransitionKind>(fields, "transition"),
            BottleneckStride = Choice<BottleneckStride>(fields, "bottleneck_stride"),
            BaseWidth = Number(fields, "base_width"),
            Groups = Number(fields, "groups"),
            WidthPerGroup = Number(fields, "width_per_group"),
            SqueezeReduction = Number(fields, "squeeze_reduction"),
        };
    }

    /// <summary>Tells whether weights are those of a network, with a head or without.</summary>
    public static bool Fits(ResNetArchitecture architecture, ResNetWeights weights)
    {
        if (weights.Tensors.FirstOrDefault(tensor => tensor.Shape.Length == 4) is not { Shape: [_, > 0 and var channels, _, _] })
        {
            return false;
        }

        var hasHead = weights.TryGet(LayerPlan.HeadWeight, out var head);
        var classes = head is { Shape: [> 0 and var outputs, _] } ? outputs : 1;
        var side = architecture.MinimumImageSize;
        try
        {
            var plan = LayerPlan.Create(architecture, new ImageShape(channels, side, side), classes);
            return WeightsMatch.Of(weights, plan, ignoreHead: !hasHead).IsExact;
        }
        catch (Exception exception) when (exception is ArgumentException or OverflowException)
        {
            return false;
        }
    }

    private static ImmutableArray<int> Depths(JsonElement fields)
    {
        var array = MetadataJson.Field(fields, "depths");
        if (array.GetArrayLength() is < 1 or > MostStages)
        {
            throw new InvalidDataException($"it has {array.GetArrayLength()} stages");
        }

        var depths = array.EnumerateArray().Select(depth => depth.GetInt32()).ToImmutableArray();
        return depths.All(depth => depth is >= 0 and <= MostBlocks)
            ? depths
            : throw new InvalidDataException($"its stages have {string.Join(", ", depths)} blocks");
    }

    private static int Number(JsonElement fields, string name) => MetadataJson.Field(fields, name).GetInt32() is var number
        && number is >= 0 and <= LargestNumber
        ? number
        : throw new InvalidDataException($"its '{name}' is {number}");

    private static TEnum Choice<TEnum>(JsonElement fields, string name)
        where TEnum : struct, Enum
    {
        var text = MetadataJson.Field(fields, name).GetString();
        var index = Array.IndexOf(Enum.GetNames<TEnum>(), text);
        return index >= 0 ? Enum.GetValues<TEnum>()[index] : throw new InvalidDataException($"its '{name}' is none that is known");
    }
}
