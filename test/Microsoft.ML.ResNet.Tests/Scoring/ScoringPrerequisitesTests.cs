using Microsoft.ML.ResNet.Scoring;

namespace Microsoft.ML.ResNet.Tests.Scoring;

public sealed class ScoringPrerequisitesTests
{
    [Fact]
    public void FindsTheApplicationsOnnxRuntime() => ScoringPrerequisites.Check();

    [Fact]
    public void NamesThePackageThatIsMissing() =>
        Assert.Contains(
            "add a reference to the NuGet package Microsoft.ML.OnnxRuntime 1.31.1",
            Assert.Throws<DllNotFoundException>(() => ScoringPrerequisites.Check("no-such-onnxruntime")).Message);
}
