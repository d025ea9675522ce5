using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>
/// Turns each convolution of a <see cref="ServedGraph"/> and the normalization after it into one convolution with a bias, in place. ONNX
/// Runtime would do the same while it makes its session, but into new memory, which costs more than the arithmetic.
/// </summary>
internal static class ServedFolding
{
    /// <summary>Folds what can be folded; anything unusual stays as it is, for ONNX Runtime to take or to refuse.</summary>
    /// <param name="nodes">The operators.</param>
    /// <param name="tensors">The constants.</param>
    /// <param name="outputName">The graph's output.</param>
    public static void Fold(List<ServedNode> nodes, List<ServedTensor> tensors, string outputName)
    {
        var constants = new Dictionary<string, ServedTensor>(StringComparer.Ordinal);
        foreach (var tensor in tensors)
        {
            if (!constants.TryAdd(tensor.Name, tensor))
            {
                return;
            }
        }

        var (readers, writers) = (CountReaders(nodes, outputName), new Dictionary<string, int>(StringComparer.Ordinal));
        for (var i = 0; i < nodes.Count; i++)
        {
            if (nodes[i] is { Operator: "BatchNormalization", IsForeign: false, Inputs: [var input, ..], Outputs: [var output] } batchNorm
                && writers.TryGetValue(input, out var writer)
                && Fold(nodes[writer], batchNorm, constants, readers) is { } bias)
            {
                batchNorm.Inputs.ForEach(name => constants.Remove(name));
                constants.Add(bias.Name, bias);
                nodes[writer] = nodes[writer].With([.. nodes[writer].Inputs, bias.Name], [output]);
                nodes.RemoveAt(i--);
            }
            else if (nodes[i] is { Operator: "Conv", IsForeign: false, Inputs: [_, _], Outputs: [var result] })
            {
                writers[result] = i;
            }
        }

        tensors.Clear();
        tensors.AddRange(constants.Values);
    }

    private static Dictionary<string, int> CountReaders(List<ServedNode> nodes, string outputName)
    {
        var readers = new Dictionary<string, int>(StringComparer.Ordinal) { [outputName] = 1 };
        foreach (var node in nodes)
        {
            foreach (var name in node.Inputs)
            {
                readers[name] = readers.GetValueOrDefault(name) + 1;
            }
        }

        return readers;
    }

    // γ·(w∗x − μ)/√(σ² + ε) + β, as BatchNormFolding has it. The bias takes β's place; null where it cannot be.
    private static ServedTensor? Fold(
        ServedNode convolution, ServedNode batchNorm, Dictionary<string, ServedTensor> constants, Dictionary<string, int> readers)
    {
        string[] names = [convolution.Inputs[1], .. batchNorm.Inputs.Skip(1)];
        if (names.Length != 5 || readers[batchNorm.Inputs[0]] != 1 || convolution.Outputs[0] != batchNorm.Inputs[0])
        {
            return null;
        }

        var tensors = new ServedTensor[names.Length];
        for (var i = 0; i < names.Length; i++)
        {
            if (readers[names[i]] != 1 || !constants.TryGetValue(names[i], out var tensor) || !tensor.IsFloat)
            {
                return null;
            }

            tensors[i] = tensor;
        }

        var filters = tensors[0].Floats;
        var gamma = tensors[1].Floats;
        var beta = tensors[2].Floats;
        var mean = tensors[3].Floats;
        var variance = tensors[4].Floats;
        var channels = beta.Length;
        if (channels == 0 || (gamma.Length, mean.Length, variance.Length) != (channels, channels, channels)
            || tensors[0].Shape is not [var filterCount, _, _, _] || filterCount != channels || filters.Length % channels != 0)
        {
            return null;
        }

        var (bias, filterSize) = (new float[channels], filters.Length / channels);
        for (var channel = 0; channel < channels; channel++)
        {
            var scale = gamma[channel] / MathF.Sqrt(variance[channel] + batchNorm.Epsilon);
            Multiply(filters.Slice(channel * filterSize, filterSize), scale);
            bias[channel] = beta[channel] - mean[channel] * scale;
        }

        return new ServedTensor(tensors[2].Name, [channels], tensors[2].ElementType, MemoryMarshal.AsBytes(bias.AsSpan()).ToArray());
    }

    // Once in a process, for millions of values: it is not to start slowly.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply(Span<float> values, float factor)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        foreach (ref var vector in vectors)
        {
            vector *= factor;
        }

        foreach (ref var value in values[(vectors.Length * Vector<float>.Count)..])
        {
            value *= factor;
        }
    }
}
