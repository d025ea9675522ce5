using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace WebApp.Models;

/// <summary>What a model is given.</summary>
internal sealed class ImageRow
{
    // ML.NET wants a size here; the schema says that there is none.
    [ImageType(1, 1)]
    public MLImage Image { get; set; } = null!;
}
