using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;

namespace Microsoft.ML.ResNet.Tests.Onnx;

/// <summary>What ONNX Runtime makes of a model when it loads it: the operators that it really runs.</summary>
internal static class OptimizedGraph
{
    /// <summary>Counts the operators by name.</summary>
    public static Dictionary<string, int> Operators(string model)
    {
        var optimized = model + ".optimized";
        using (var options = new SessionOptions
        {
            OptimizedModelFilePath = optimized,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        })
        using (new InferenceSession(model, options))
        {
        }

        const int graph = 7, node = 1, operation = 4;
        return Messages(File.ReadAllBytes(optimized), graph).SelectMany(each => Messages(each, node))
            .Select(each => Messages(each, operation).Single())
            .Select(System.Text.Encoding.UTF8.GetString).CountBy(name => name).ToDictionary();
    }

    private static IEnumerable<byte[]> Messages(byte[] message, int field)
    {
        var input = new CodedInputStream(message);
        while (input.ReadTag() is not 0 and var tag)
        {
            if (tag == WireFormat.MakeTag(field, WireFormat.WireType.LengthDelimited))
            {
                yield return input.ReadBytes().ToByteArray();
            }
            else
            {
                input.SkipLastField();
            }
        }
    }
}
