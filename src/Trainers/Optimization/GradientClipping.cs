using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Optimization;

/// <summary>Clips the gradient of all parameters together to a length (Pascanu et al., 2013, section 3.2).</summary>
internal static class GradientClipping
{
    // The quotient is of float64, which Apple's GPUs have not.
    private const string Script =
        """
        def clip(gradients: List[Tensor], longest: Tensor):
            length = torch.stack(torch._foreach_norm(gradients, 2)).norm()
            share = (longest / length.cpu()).clamp(max=1.0)
            torch._foreach_mul_(gradients, share.to(gradients[0].device, gradients[0].dtype))
            return longest

        """;

    private static readonly Lazy<jit.CompilationUnit> Compiled = new(() => jit.compile(Script));

    /// <summary>Scales the gradients down if their length, taken together, is more than the longest allowed.</summary>
    public static void Apply(Tensor[] gradients, double longest)
    {
        if (gradients.Length > 0)
        {
            using var limit = TensorFactory.Number(longest);
            Compiled.Value.invoke("clip", gradients, limit);
        }
    }
}
