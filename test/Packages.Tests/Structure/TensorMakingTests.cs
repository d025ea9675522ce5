using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Packages.Tests.Structure;

/// <summary>One class makes every tensor, so that none is made on another device than its network's.</summary>
public sealed class TensorMakingTests
{
    private const string Factory = "Devices/TensorFactory.cs";

    [Fact]
    public void OnlyTheFactoryMakesTensors()
    {
        var sources = SourceFolders.Read("Microsoft.ML.ResNet.Trainers", Path.Combine(Repository.Root, "src/Trainers"));

        Assert.Empty(sources.Errors);
        var made = sources.Calls().Where(IsMaking).ToArray();
        Assert.InRange(made.Count(call => call.File == Factory), 5, 50);
        var elsewhere = made.Where(call => call.File != Factory).Select(call => call.ToString()).ToArray();
        Assert.True(elsewhere.Length == 0, $"Tensors are made elsewhere than in {Factory}:\n{string.Join('\n', elsewhere)}");
    }

    [Fact]
    public void MakingIsRecognized()
    {
        var sources = SourceFolders.Of(
            ("Torch.cs", """
                namespace TorchSharp;
                public static class torch
                {
                    public sealed class Device;
                    public sealed class Tensor
                    {
                        public Tensor to(Device device) => this;
                        public Tensor new_zeros(int size, Device? device = null) => this;
                        public Tensor add(Tensor other) => this;
                    }
                    public static Tensor zeros(int size, Device? device = null) => new();
                    public static Tensor stack(Tensor[] tensors) => new();
                }
                """),
            ("Use.cs", """
                using static TorchSharp.torch;
                class Use
                {
                    Tensor One() => zeros(1);
                    Tensor Two() => TorchSharp.torch.zeros(2).new_zeros(2);
                    Tensor None(Tensor x, Device device) => stack([x.add(x), x.to(device)]);
                }
                """));

        Assert.Empty(sources.Errors);
        Assert.Equal(
            ["Use.cs:4 calls torch.zeros", "Use.cs:5 calls Tensor.new_zeros", "Use.cs:5 calls torch.zeros"],
            sources.Calls().Where(IsMaking).Select(call => call.ToString()).Order(StringComparer.Ordinal));
    }

    // Torch's functions that make a tensor are those that can be told the device of their result; moving one there makes none.
    private static bool IsMaking(MethodCall call) => call.Type is "TorchSharp.torch" or "TorchSharp.torch.Tensor"
        && call.Name is not ("to" or "cuda")
        && call.Parameters.Contains("device");
}
