using static Microsoft.ML.ResNet.Samples.Tests.Cli.CliFixture;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

public sealed class DoctorTests
{
    [Fact]
    public void TellsTheMachineAndChecksEachConvolution()
    {
        var result = Resnet("doctor", "--arch", "resnet20", "--json").Succeeded().Json;

        var machine = result.GetProperty("machine");
        Assert.All(
            ["CPU", "instruction sets", "caches", "system", "TorchSharp, libtorch", "ONNX Runtime"],
            name => Assert.NotEmpty(machine.GetProperty(name).GetString()!));
        var convolutions = result.GetProperty("convolutions").EnumerateArray().ToArray();
        Assert.Contains(
            convolutions, each => each.GetProperty("convolution").GetString() == "3×3, 32 → 64 channels, stride 2, of 16×16 pixels");
        Assert.All(convolutions, each => Assert.InRange(each.GetProperty("error").GetDouble(), 0, 0.125));
    }

    [Fact]
    public void WithoutLibtorchItTellsTheMachine()
    {
        var result = TestSupport.SampleProcess
            .Run("dotnet", [TestSupport.SampleProcess.Assembly("Cli", "resnet"), "doctor"], environment: [("RESNET_LIBTORCH", "/nowhere")])
            .Succeeded();

        Assert.Contains(result.Lines, line => line.StartsWith("CPU\t", StringComparison.Ordinal));
        Assert.Contains("There is no libtorch", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--arch", "resnet19")]
    [InlineData("--image-size", "0")]
    public void RefusesWhatItDoesNotKnow(string option, string value) => Assert.NotEqual(0, Resnet("doctor", option, value).ExitCode);
}
