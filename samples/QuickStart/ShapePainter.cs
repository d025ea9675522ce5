using SkiaSharp;

namespace QuickStart;

/// <summary>
/// Paints one picture of a shape. From back to front: a shaded background, clutter, the shape somewhere, tilted, and scratches over
/// it; then what a cheap camera does: shake, exposure, grain. Whatever the dice say, the shape stays apart from its background in
/// brightness, so a person sees it even in a grey copy.
/// </summary>
/// <remarks>Lengths are those of a 32-pixel picture and scale with the size; the same dice give the same picture.</remarks>
internal sealed class ShapePainter(int size, Random dice)
{
    private const float Side = 32;
    private const float Margin = 1;                    // the shape keeps this far from the border
    private const float MinRadius = 9, MaxRadius = 13.5f;
    private const float MaxTilt = MathF.PI / 4;
    private const float MinContrast = 0.34f, MaxContrast = 0.60f;
    private const float Shading = 0.06f;               // half the brightness range of a gradient, of shape and background each

    /// <summary>Paints a picture, which the caller owns.</summary>
    public SKBitmap Paint(Shape shape)
    {
        var (backLuma, shapeLuma) = PickBrightness();

        using var sharp = NewBitmap();
        using (var canvas = new SKCanvas(sharp))
        {
            canvas.Scale(size / Side);
            PaintBackground(canvas, backLuma);
            PaintClutter(canvas, pieces: dice.Next(2, 7));
            PaintShape(canvas, shape, shapeLuma);
            PaintScratches(canvas, pieces: dice.Next(0, 3));
        }

        var picture = NewBitmap();
        Shake(sharp, picture);
        using var pixels = picture.PeekPixels();
        AddExposureAndGrain(pixels.GetPixelSpan<byte>());
        return picture;
    }

    private SKBitmap NewBitmap() => new(size, size, SKColorType.Rgba8888, SKAlphaType.Opaque);

    // Dark shapes on light ground too: were every shape lighter than its ground, single pixels would tell more.
    private (float Back, float Shape) PickBrightness()
    {
        var contrast = dice.Between(MinContrast, MaxContrast);
        var darker = dice.Between(0.12f, 0.90f - contrast);
        return dice.Next(4) > 0 ? (darker, darker + contrast) : (darker + contrast, darker);
    }

    private void PaintBackground(SKCanvas canvas, float luma)
    {
        using var paint = GradientPaint(luma, new SKPoint(Side / 2, Side / 2), Side / 2);
        canvas.DrawPaint(paint);
    }

    private void PaintShape(SKCanvas canvas, Shape shape, float luma)
    {
        var radius = dice.Between(MinRadius, MaxRadius);
        var room = radius + Margin;
        var centre = new SKPoint(dice.Between(room, Side - room), dice.Between(room, Side - room));

        var facing = dice.Next(2) == 0 ? radius : -radius;       // an arrow may point either way
        using var outline = shape.Outline(dice);
        outline.Transform(SKMatrix.CreateScale(facing, radius * dice.Between(0.85f, 1)));
        outline.Transform(SKMatrix.CreateRotation(dice.Between(-MaxTilt, MaxTilt)));
        outline.Transform(SKMatrix.CreateTranslation(centre.X, centre.Y));

        using var fill = GradientPaint(luma, centre, radius);
        canvas.DrawPath(outline, fill);

        if (dice.Next(3) > 0)
        {
            return;
        }

        // A third have an edge of another colour, which is never so strong as to make a circle look like a ring.
        using var edge = NewPaint(ColourOf(Math.Clamp(luma + dice.Between(-0.2f, 0.2f), 0, 1)));
        edge.Style = SKPaintStyle.Stroke;
        edge.StrokeWidth = dice.Between(0.8f, 1.4f);
        canvas.DrawPath(outline, edge);
    }

    // Small things that belong to no class.
    private void PaintClutter(SKCanvas canvas, int pieces)
    {
        for (var piece = 0; piece < pieces; piece++)
        {
            using var paint = NewPaint(AnyColour());
            switch (dice.Next(4))
            {
                case 0:
                    canvas.DrawCircle(AnyPoint(), dice.Between(0.5f, 1.4f), paint);
                    break;
                case 1:
                    PaintBlob(canvas, paint);
                    break;
                default:
                    PaintStroke(canvas, paint);
                    break;
            }
        }
    }

    private void PaintScratches(SKCanvas canvas, int pieces)
    {
        for (var piece = 0; piece < pieces; piece++)
        {
            using var paint = NewPaint(AnyColour().WithAlpha(180));
            PaintStroke(canvas, paint, maxWidth: 0.8f);
        }
    }

    // A bent line across part of the picture.
    private void PaintStroke(SKCanvas canvas, SKPaint paint, float maxWidth = 1.3f)
    {
        using var path = new SKPath();
        path.MoveTo(AnyPoint());
        path.QuadTo(AnyPoint(), AnyPoint());
        paint.Style = SKPaintStyle.Stroke;
        paint.StrokeWidth = dice.Between(0.4f, maxWidth);
        canvas.DrawPath(path, paint);
    }

    // A splinter: a few points around a centre, at uneven distances.
    private void PaintBlob(SKCanvas canvas, SKPaint paint)
    {
        var centre = AnyPoint();
        var corners = new SKPoint[dice.Next(3, 7)];
        for (var i = 0; i < corners.Length; i++)
        {
            var (sin, cos) = MathF.SinCos(MathF.Tau * i / corners.Length);
            var radius = dice.Between(0.8f, 3.2f);
            corners[i] = new SKPoint(centre.X + radius * cos, centre.Y + radius * sin);
        }

        using var path = new SKPath();
        path.AddPoly(corners, close: true);
        canvas.DrawPath(path, paint);
    }

    // A camera that shakes: the mean of the picture and of itself moved a little one way and the other. Skia's own blur cannot be
    // had this slight, and darkens the border.
    private void Shake(SKBitmap from, SKBitmap to)
    {
        var (sin, cos) = MathF.SinCos(dice.Between(0, MathF.Tau));
        var reach = dice.Between(0, 0.7f) * size / Side;

        using var canvas = new SKCanvas(to);
        using var paint = new SKPaint { FilterQuality = SKFilterQuality.Low };      // bilinear
        canvas.DrawBitmap(from, 0, 0, paint);
        paint.Color = SKColors.White.WithAlpha(255 / 2);
        canvas.DrawBitmap(from, reach * cos, reach * sin, paint);
        paint.Color = SKColors.White.WithAlpha(255 / 3);
        canvas.DrawBitmap(from, -reach * cos, -reach * sin, paint);
    }

    private void AddExposureAndGrain(Span<byte> rgba)
    {
        var gain = dice.Between(0.88f, 1.12f);
        var grain = dice.Between(2, 22);
        for (var i = 0; i < rgba.Length; i++)
        {
            if (i % 4 != 3)                            // every fourth byte is the opacity
            {
                var noise = grain * (dice.NextSingle() + dice.NextSingle() - 1);
                rgba[i] = (byte)Math.Clamp(rgba[i] * gain + noise, 0, 255);
            }
        }
    }

    private SKPaint GradientPaint(float luma, SKPoint centre, float radius)
    {
        var (sin, cos) = MathF.SinCos(dice.Between(0, MathF.Tau));
        var reach = new SKPoint(radius * cos, radius * sin);
        using var shader = SKShader.CreateLinearGradient(
            centre - reach, centre + reach, [ColourOf(luma - Shading), ColourOf(luma + Shading)], SKShaderTileMode.Clamp);
        return new SKPaint { Shader = shader, IsAntialias = true };
    }

    private static SKPaint NewPaint(SKColor colour) => new() { Color = colour, IsAntialias = true };

    private SKPoint AnyPoint() => new(dice.Between(0, Side), dice.Between(0, Side));

    private SKColor AnyColour() => ColourOf(dice.Between(0.1f, 0.9f));

    // A random colour, mixed with black or with white until it is as bright as asked.
    private SKColor ColourOf(float luma)
    {
        float red = dice.NextSingle(), green = dice.NextSingle(), blue = dice.NextSingle();
        var own = 0.299f * red + 0.587f * green + 0.114f * blue;      // ITU-R BT.601
        return new SKColor(Mix(red), Mix(green), Mix(blue));

        byte Mix(float channel) => (byte)(255 * (own > luma
            ? channel * luma / own
            : channel + (1 - channel) * (luma - own) / (1 - own)));
    }
}
