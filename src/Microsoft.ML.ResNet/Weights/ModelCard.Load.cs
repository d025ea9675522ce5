using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet;

public sealed partial record ModelCard
{
    /// <summary>Reads the card that a saved or exported model carries.</summary>
    /// <remarks>
    /// Nothing else of the file is read. So a quantized model has its card read too, though <see cref="ResNetWeights.Load"/> refuses its
    /// integers. The file need not be trusted.
    /// </remarks>
    /// <param name="path">An ML.NET model or an ONNX model; other files of weights carry no card.</param>
    /// <returns>The card, or <see langword="null"/> where the file has none: the network was not trained by this library.</returns>
    /// <exception cref="InvalidDataException">The file is damaged, or holds no network; the message says what was found.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">The file cannot be read, or is a folder, a pipe or a device.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static ModelCard? Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return WeightsFile.ReadCard(path, MemoryAllowance.Default);
    }
}
