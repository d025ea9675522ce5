using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>
/// One operation of random strength: "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation" (Müller and Hutter, 2021,
/// https://arxiv.org/abs/2103.10158), with the operations and ranges of its "wide" space, as torchvision's TrivialAugmentWide has them.
/// </summary>
/// <remarks>
/// It departs from torchvision in three ways. Shear is around the centre, not the top left corner, so that the object stays in the picture.
/// Translation goes to a seventh of the side, which is 32 pixels of 224: 32 pixels at any size, as published, would move a picture of 32×32
/// out of sight. What comes into the picture is the mean, not black: zero after normalization. Interpolation is bilinear, as in
/// torchvision's recipe for its weights "IMAGENET1K_V2". To be used by one thread at a time.
/// </remarks>
internal sealed class TrivialAugment : IDistortion
{
    private const int Strengths = 31;
    private const int GeometricOperations = (int)TrivialOperation.Rotate + 1;
    private const int AllOperations = (int)TrivialOperation.Equalize + 1;

    // At full strength.
    private const float Shear = 0.99f;                    // the tangent of the angle
    private const float Translation = 32f / 224;          // of the side
    private const float Rotation = 135 * MathF.PI / 180;
    private const float Enhancement = 0.99f;              // of brightness, color, contrast and sharpness: factors from 0.01 to 1.99
    private const int LostBits = 6;                       // of 8

    private readonly ImageShape _shape;
    private readonly AffineWarp _warp;
    private readonly Sharpness _sharpness;
    private readonly int _operations;

    /// <param name="shape">The images' shape.</param>
    /// <param name="normalization">What will subtract the mean, which fills the picture where an image is moved away.</param>
    /// <param name="levels">Whether values are levels of brightness from 0 to 255. If not, as in vectors of floats, or if there are
    /// neither 1 nor 3 channels, operations on colours make no sense, and only those that move pixels are drawn.
    /// </param>
    public TrivialAugment(ImageShape shape, Normalization normalization, bool levels)
    {
        _shape = shape;
        _warp = new AffineWarp(shape, normalization);
        _sharpness = new Sharpness(shape);
        _operations = levels && shape.Channels is 1 or 3 ? AllOperations : GeometricOperations;
    }

    public void Apply(Span<float> pixels, Random random) =>
        Apply(pixels, (TrivialOperation)random.Next(_operations), random.Next(Strengths), negative: random.Next(2) == 1);

    internal void Apply(Span<float> pixels, TrivialOperation operation, int strength, bool negative)
    {
        var share = (float)strength / (Strengths - 1);
        var signed = negative ? -share : share;
        var factor = 1 + signed * Enhancement;
        switch (operation)
        {
            case TrivialOperation.Identity:
                break;
            case TrivialOperation.ShearX:
                _warp.Apply(pixels, new Matrix3x2(1, 0, signed * Shear, 1, 0, 0));
                break;
            case TrivialOperation.ShearY:
                _warp.Apply(pixels, new Matrix3x2(1, signed * Shear, 0, 1, 0, 0));
                break;
            case TrivialOperation.TranslateX:
                _warp.Apply(pixels, Matrix3x2.CreateTranslation(MathF.Truncate(signed * Translation * _shape.Width), 0));
                break;
            case TrivialOperation.TranslateY:
                _warp.Apply(pixels, Matrix3x2.CreateTranslation(0, MathF.Truncate(signed * Translation * _shape.Height)));
                break;
            case TrivialOperation.Rotate:
                _warp.Apply(pixels, Matrix3x2.CreateRotation(signed * Rotation));
                break;
            case TrivialOperation.Brightness:
                ColorOperations.Brightness(pixels, factor);
                break;
            case TrivialOperation.Color:
                ColorOperations.Saturation(pixels, _shape.Channels, factor);
                break;
            case TrivialOperation.Contrast:
                ColorOperations.Contrast(pixels, _shape.Channels, factor);
                break;
            case TrivialOperation.Sharpness:
                _sharpness.Apply(pixels, factor);
                break;
            case TrivialOperation.Posterize:
                ColorOperations.Posterize(pixels, bits: 8 - (int)MathF.Round(share * LostBits));
                break;
            case TrivialOperation.Solarize:
                ColorOperations.Solarize(pixels, threshold: (1 - share) * 255);
                break;
            case TrivialOperation.AutoContrast:
                ColorOperations.AutoContrast(pixels, _shape.Channels);
                break;
            case TrivialOperation.Equalize:
                ColorOperations.Equalize(pixels, _shape.Channels);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(operation), operation, null);
        }
    }
}
