using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Trainers;

namespace Microsoft.ML;

/// <summary>Methods that create the trainer, on <see cref="MulticlassClassificationCatalog.Trainers"/>.</summary>
public static class ResNetTrainerCatalog
{
    /// <summary>Makes a trainer of residual networks.</summary>
    /// <param name="catalog"><c>mlContext.MulticlassClassification.Trainers</c>.</param>
    /// <param name="labelColumnName">The label column, a key.</param>
    /// <param name="imageColumnName">The image column: images, or planar vectors of bytes or floats.</param>
    /// <param name="architecture">The network; null for ResNet-18.</param>
    /// <param name="epochs">How often every image is seen.</param>
    /// <returns>The trainer.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static ResNetTrainer ResNet(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        string labelColumnName = "Label",
        string imageColumnName = "Image",
        ResNetArchitecture? architecture = null,
        int epochs = 30) =>
        catalog.ResNet(new ResNetTrainer.Options
        {
            LabelColumnName = labelColumnName,
            ImageColumnName = imageColumnName,
            Architecture = architecture ?? ResNetArchitecture.ResNet18,
            Epochs = epochs,
        });

    /// <summary>Makes a trainer of residual networks, with all of its options.</summary>
    /// <param name="catalog"><c>mlContext.MulticlassClassification.Trainers</c>.</param>
    /// <param name="options">The options.</param>
    /// <returns>The trainer.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static ResNetTrainer ResNet(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog, ResNetTrainer.Options options)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new ResNetTrainer(catalog.GetEnvironment(), options);
    }
}
