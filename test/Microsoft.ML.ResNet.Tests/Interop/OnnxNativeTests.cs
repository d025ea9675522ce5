using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Interop;

namespace Microsoft.ML.ResNet.Tests.Interop;

/// <summary>After an upgrade of ONNX Runtime, a function that stands elsewhere fails here, by name.</summary>
public sealed class OnnxNativeTests
{
    [Theory]
    [InlineData(nameof(OnnxNative.GetErrorMessage), OnnxNative.GetErrorMessage)]
    [InlineData(nameof(OnnxNative.ReleaseStatus), OnnxNative.ReleaseStatus)]
    [InlineData(nameof(OnnxNative.AddExternalInitializersFromFilesInMemory), OnnxNative.AddExternalInitializersFromFilesInMemory)]
    public void FunctionsStandWhereThePackageHasThem(string name, int index)
    {
        var functions = typeof(InferenceSession).Assembly.GetTypes().Single(type => type.Name == "OrtApi");

        Assert.Equal(index * nint.Size, (int)Marshal.OffsetOf(functions, name));
    }

    // What ONNX Runtime says of it, and no crash: there is no content.
    [Fact]
    public unsafe void ARefusalIsAnException()
    {
        using var options = new SessionOptions();
        var content = stackalloc byte[1];

        Assert.Throws<InvalidDataException>(() => OnnxNative.AddFileInMemory(options, "", null, 0));
        OnnxNative.AddFileInMemory(options, "weights", content, 1);
    }
}
