namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Which part of a network training changes. The rest keeps its weights and its batch normalization's statistics.</summary>
public enum TrainableLayers
{
    /// <summary>Everything.</summary>
    All,

    /// <summary>The last stage and the head.</summary>
    LastStage,

    /// <summary>
    /// The head only. Without augmentation, features are computed once and kept, and training takes seconds; with <see
    /// cref="ImageAugmentation.Auto"/> there is none.
    /// </summary>
    Head,
}
