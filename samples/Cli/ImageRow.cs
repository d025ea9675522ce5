using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Cli;

/// <summary>What networks read.</summary>
internal sealed class ImageRow
{
    /// <summary>Gets or sets the image. The attribute's size is a formality: images have any size.</summary>
    [ImageType(1, 1)]
    public MLImage? Image { get; set; }
}
