using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Studio.Use;

/// <summary>Tells ML.NET the type that LoadImages gives its images. <see cref="ImageTypeAttribute"/> without a size throws when it is registered.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ImageOfAnySizeAttribute : DataViewTypeAttribute
{
    public override void Register() => DataViewTypeManager.Register(new ImageDataViewType(), typeof(MLImage), this);

    public override bool Equals(DataViewTypeAttribute? other) => other is ImageOfAnySizeAttribute;

    public override int GetHashCode() => typeof(ImageOfAnySizeAttribute).GetHashCode();
}
