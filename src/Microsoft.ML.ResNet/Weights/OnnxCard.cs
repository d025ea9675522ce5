using Google.Protobuf;
using Microsoft.ML.ResNet.Files;
using static Google.Protobuf.WireFormat;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>The model card in an ONNX model's metadata. All else is skipped: it does not matter what kind of weights there are.</summary>
internal static class OnnxCard
{
    private const int MaxMetadataBytes = 16 << 20;

    public static ModelCard? Read(Stream stream, MemoryAllowance allowance)
    {
        var builder = new WeightsBuilder(allowance);
        var input = new CodedInputStream(stream, leaveOpen: true);
        while (input.ReadTag() is not 0 and var tag)
        {
            if (tag != MakeTag(OnnxFields.Model.Metadata, WireType.LengthDelimited))
            {
                input.SkipLastField();
                continue;
            }

            var length = input.ReadLength();
            allowance.Take(length);
            var (key, value) = length is >= 0 and <= MaxMetadataBytes
                ? ReadEntry(input, input.Position + length)
                : throw new InvalidDataException($"it holds metadata of {length:n0} bytes");
            if (key is WeightsMetadata.Card or WeightsMetadata.ClassNames)
            {
                WeightsMetadata.Read(builder, key, value);
            }
        }

        return builder.FinishedCard;
    }

    private static (string Key, string Value) ReadEntry(CodedInputStream input, long end)
    {
        var (key, value) = ("", "");
        while (input.Position < end)
        {
            switch (input.ReadTag())
            {
                case (OnnxFields.MetadataEntry.Key << 3) | (int)WireType.LengthDelimited:
                    key = input.ReadString();
                    break;
                case (OnnxFields.MetadataEntry.Value << 3) | (int)WireType.LengthDelimited:
                    value = input.ReadString();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return input.Position == end ? (key, value) : throw new InvalidDataException("a part of it reaches beyond its end");
    }
}
