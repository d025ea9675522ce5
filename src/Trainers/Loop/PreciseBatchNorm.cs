using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>
/// Computes the statistics of batch normalization anew, as true averages over training images. While training, they are moving averages
/// over the last batches, of weights that were still changing (Wu and Johnson, 2021, section 3; the paper's released networks have such
/// statistics).
/// </summary>
internal static class PreciseBatchNorm
{
    /// <summary>Computes them.</summary>
    /// <param name="network">The trained network, whose statistics are replaced.</param>
    /// <param name="images">Training images.</param>
    /// <param name="epoch">The epoch whose order the images are taken in.</param>
    /// <param name="count">The images to use; at least one batch is.</param>
    /// <param name="cancellation">Stops it.</param>
    public static void Compute<T>(ResidualNetwork network, BatchLoader<T> images, int epoch, int count, CancellationToken cancellation)
        where T : unmanaged, INumberBase<T>
    {
        using var noGradients = no_grad();
        var (batches, seen) = (0, 0);
        foreach (var batch in images.Epoch(epoch))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            network.BatchNormMomentum = 1.0 / ++batches; // a running mean of all batches so far
            network.Forward(batch.Images, training: true);
            seen += batch.Count;
            if (seen >= count)
            {
                break;
            }
        }
    }
}
