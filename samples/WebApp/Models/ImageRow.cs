using Microsoft.ML.Data;

namespace WebApp.Models;

/// <summary>What a model is given.</summary>
internal sealed class ImageRow
{
    [ImageOfAnySize]
    public MLImage Image { get; set; } = null!;
}
