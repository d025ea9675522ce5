using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Optimization;

/// <summary>Clips the gradient of all parameters together to a length (Pascanu et al., 2013, section 3.2).</summary>
internal static class GradientClipping
{
    private const string Script =
        """
        def clip(gradients: List[Tensor], longest: Tensor):
            length = torch.stack(torch._foreach_norm(gradients, 2)).norm()
            torch._foreach_mul_(gradients, (longest / length).clamp(max=1.0).to(gradients[0].dtype))
            return longest

        """;

    private static readonly Lazy<jit.CompilationUnit> Compiled = new(() => jit.compile(Script));

    /// <summary>Scales the gradients down if their length, taken together, is more than the longest allowed.</summary>
    public static void Apply(Tensor[] gradients, double longest)
    {
        if (gradients.Length > 0)
        {
            using var limit = tensor(longest, ScalarType.Float64);
            Compiled.Value.invoke("clip", gradients, limit);
        }
    }
}
