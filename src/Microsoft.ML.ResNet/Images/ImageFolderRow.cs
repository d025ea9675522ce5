namespace Microsoft.ML.ResNet;

/// <summary>A row of <see cref="ResNetCatalog.LoadImageFolder"/>; also the input of a prediction engine over such a model.</summary>
public sealed class ImageFolderRow
{
    /// <summary>Gets or sets the path of the image file.</summary>
    /// <value>Starts with the folder that was given.</value>
    public string ImagePath { get; set; } = "";

    /// <summary>Gets or sets the class.</summary>
    /// <value>The name of the sub-folder. Not read when a model predicts.</value>
    public string Label { get; set; } = "";
}
