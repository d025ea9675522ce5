using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace InMemory;

/// <summary>A row: an image and its class.</summary>
internal sealed class Picture
{
    /// <summary>Gets or sets the image, of any size; the attribute's size is a formality.</summary>
    [ImageType(32, 32)]
    public MLImage? Image { get; set; }

    /// <summary>Gets or sets the class. Not looked at in prediction.</summary>
    public string Label { get; set; } = "";
}

/// <summary>What the model adds.</summary>
internal sealed class Prediction
{
    public string PredictedLabelText { get; set; } = "";

    public float[] Score { get; set; } = [];
}
