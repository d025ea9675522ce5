using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>
/// Moves an image's pixels by an affine map around its centre, with bilinear interpolation. What comes from outside the image is the mean.
/// </summary>
/// <remarks>To be used by one thread at a time.</remarks>
internal sealed class AffineWarp
{
    private readonly ImageShape _shape;
    private readonly Normalization _normalization;
    private readonly Vector2 _center;
    private readonly float[] _framed; // the image inside a frame, one pixel wide, of means: interpolation fades into it

    /// <param name="shape">The images' shape.</param>
    /// <param name="normalization">What will subtract the mean.</param>
    public AffineWarp(ImageShape shape, Normalization normalization)
    {
        _shape = shape;
        _normalization = normalization;
        _center = new Vector2(shape.Width - 1, shape.Height - 1) / 2;
        _framed = new float[shape.Channels * (shape.Height + 2) * (shape.Width + 2)];
        for (var y = -1; y <= shape.Height; y++)
        {
            for (var x = -1; x <= shape.Width; x++)
            {
                var nearest = (Math.Clamp(y, 0, shape.Height - 1) * shape.Width + Math.Clamp(x, 0, shape.Width - 1)) * shape.Channels;
                normalization.Mean.Slice(nearest, shape.Channels).CopyTo(_framed.AsSpan(Framed(x, y)));
            }
        }
    }

    /// <summary>Moves an image's pixels in place.</summary>
    /// <param name="pixels">The image, channels last.</param>
    /// <param name="toSource">Where in the image a pixel of the result comes from; both as seen from the centre.</param>
    public void Apply(Span<float> pixels, in Matrix3x2 toSource)
    {
        var (channels, height, width) = _shape;
        for (var y = 0; y < height; y++)
        {
            pixels.Slice(y * width * channels, width * channels).CopyTo(_framed.AsSpan(Framed(0, y)));
        }

        var map = Matrix3x2.CreateTranslation(-_center) * toSource * Matrix3x2.CreateTranslation(_center);
        var write = 0;
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var source = Vector2.Transform(new Vector2(x, y), map);
                var target = pixels.Slice(write, channels);
                if (source.X > -1 && source.X < width && source.Y > -1 && source.Y < height)
                {
                    Interpolate(source, target);
                }
                else
                {
                    _normalization.Mean.Slice(write, channels).CopyTo(target);
                }

                write += channels;
            }
        }
    }

    private void Interpolate(Vector2 source, Span<float> target)
    {
        var (left, top) = (MathF.Floor(source.X), MathF.Floor(source.Y));
        var (right, down) = (source.X - left, source.Y - top); // from the pixel at the top left, 0 to 1
        var above = Framed((int)left, (int)top);
        var below = above + (_shape.Width + 2) * _shape.Channels;
        for (var channel = 0; channel < target.Length; channel++)
        {
            var upper = Between(_framed[above + channel], _framed[above + channel + _shape.Channels], right);
            var lower = Between(_framed[below + channel], _framed[below + channel + _shape.Channels], right);
            target[channel] = Between(upper, lower, down);
        }
    }

    private static float Between(float first, float second, float share) => first + (second - first) * share;

    private int Framed(int x, int y) => ((y + 1) * (_shape.Width + 2) + x + 1) * _shape.Channels;
}
