namespace Microsoft.ML.ResNet.Weights;

/// <summary>From the names that checkpoints use to the names of <see cref="LayerPlan"/>, which are torchvision's.</summary>
internal static class TensorNames
{
    // Put before every name by DataParallel and DistributedDataParallel, and by torch.compile.
    private static readonly string[] Prefixes = ["module.", "_orig_mod."];

    /// <summary>Returns the name of a network's tensor; null for one that counts batches, which no network computes with.</summary>
    public static string? Normalize(string name)
    {
        while (Array.Find(Prefixes, prefix => name.StartsWith(prefix, StringComparison.Ordinal)) is { } prefix)
        {
            name = name[prefix.Length..];
        }

        if (name == "num_batches_tracked" || name.EndsWith(".num_batches_tracked", StringComparison.Ordinal))
        {
            return null;
        }

        // The widely copied CIFAR implementations call the head "linear" and the projections of options B and C "shortcut".
        if (name.StartsWith("linear.", StringComparison.Ordinal))
        {
            name = "fc." + name["linear.".Length..];
        }

        return name
            .Replace(".shortcut.0.", ".downsample.0.", StringComparison.Ordinal)
            .Replace(".shortcut.1.", ".downsample.1.", StringComparison.Ordinal);
    }
}
