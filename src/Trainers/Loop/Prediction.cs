using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>Computes what a trained network predicts.</summary>
internal static class Prediction
{
    /// <summary>Computes the logits of all images, in their order.</summary>
    /// <returns>[images × classes], and the label of each image.</returns>
    public static (float[] Logits, int[] Labels) Logits<T>(
        this ResidualNetwork network, BatchLoader<T> images, CancellationToken cancellation)
        where T : unmanaged, INumberBase<T>
    {
        using var noGradients = no_grad();
        var (logits, labels) = (new List<float>(), new List<int>());
        foreach (var batch in images.Epoch(1))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            logits.AddRange(network.Forward(batch.Images, training: false).ToCpu().contiguous().data<float>().ToArray());
            labels.AddRange(batch.LabelValues[..batch.Count].ToArray().Select(label => (int)label));
        }

        return ([.. logits], [.. labels]);
    }
}
