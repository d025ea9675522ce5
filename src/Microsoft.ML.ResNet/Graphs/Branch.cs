namespace Microsoft.ML.ResNet.Graphs;

/// <summary>A way through a block: the operations from what the block reads to the addition that ends it.</summary>
/// <param name="Operations">In order; none for the identity.</param>
/// <param name="End">The addition.</param>
internal sealed record Branch(IReadOnlyList<Operation> Operations, Operation.Sum End)
{
    // A bottleneck with normalizations and squeeze-and-excitation has nine.
    private const int Longest = 16;

    /// <summary>Gets whether it is a block's residual, not its shortcut.</summary>
    public bool IsResidual => Operations.OfType<Operation.Convolution>().Count() > 1;

    /// <summary>Follows a way to the next addition.</summary>
    /// <param name="first">The operation that it begins with.</param>
    public static Branch Follow(Operation first)
    {
        var (operations, next) = (new List<Operation>(), first);
        while (next is not Operation.Sum)
        {
            operations.Add(next);
            if (operations.Count > Longest)
            {
                throw first.Node.Refuse($"begins a branch of more than {Longest} operators", "a block's convolutions, and an addition");
            }

            next = next.Output.Reader ?? Gated(next.Output)
                ?? throw next.Node.Refuse(
                    $"is in a branch and read by {next.Output.Readers.Count} others", "one reader until the branch is added to another");
        }

        return new Branch(operations, (Operation.Sum)next);
    }

    // Squeeze-and-excitation reads its maps twice.
    private static Operation? Gated(Signal maps) => maps.Readers.Count == 2
        ? maps.Readers.OfType<Operation.Scaled>().FirstOrDefault(scaled => scaled.Maps == maps)
        : null;
}
