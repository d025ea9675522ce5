using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace WebApp.Models;

/// <summary>What a model is given.</summary>
internal sealed class ImageRow
{
    [ImageType]
    public MLImage Image { get; set; } = null!;
}
