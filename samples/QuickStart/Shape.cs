using SkiaSharp;

namespace QuickStart;

/// <summary>
/// One class of the drawn data set: its name and how its outline is made. An outline lies inside the unit circle, centred on the origin;
/// random numbers vary its proportions, never what it is. No shape has a left and a right hand, so a flipped picture keeps its class.
/// </summary>
internal sealed record Shape(string Name, Func<Random, SKPath> Outline)
{
    /// <summary>Gets the ten classes, in the order of their names, which is the order of their folders.</summary>
    public static IReadOnlyList<Shape> All { get; } =
    [
        new("arrow", Arrow),
        new("circle", _ => Circle(0.88f)),
        new("crescent", Crescent),
        new("cross", Cross),
        new("heart", Heart),
        new("hourglass", Hourglass),
        new("ring", Ring),
        new("square", _ => Polygon((-0.74f, -0.74f), (0.74f, -0.74f), (0.74f, 0.74f), (-0.74f, 0.74f))),
        new("star", Star),
        new("triangle", _ => RegularPolygon(3, _ => 1)),
    ];

    private static SKPath Arrow(Random random)
    {
        var shaft = random.Between(0.15f, 0.22f);
        var head = random.Between(0.68f, 0.80f);
        var neck = random.Between(0.1f, 0.25f);
        return Polygon((1, 0), (neck, head), (neck, shaft), (-0.95f, shaft), (-0.95f, -shaft), (neck, -shaft), (neck, -head));
    }

    private static SKPath Circle(float radius)
    {
        var path = new SKPath();
        path.AddCircle(0, 0, radius);
        return path;
    }

    private static SKPath Crescent(Random random)
    {
        using var moon = Circle(1);
        using var shadow = new SKPath();
        shadow.AddCircle(random.Between(0.48f, 0.62f), 0, random.Between(0.80f, 0.88f));
        var path = moon.Op(shadow, SKPathOp.Difference);
        path.Offset(0.2f, 0);                                   // what the shadow leaves lies to the left: bring it back to the middle
        return path;
    }

    private static SKPath Cross(Random random)
    {
        var arm = random.Between(0.22f, 0.32f);
        const float End = 0.95f;
        return Polygon(
            (arm, -End), (arm, -arm), (End, -arm), (End, arm), (arm, arm), (arm, End),
            (-arm, End), (-arm, arm), (-End, arm), (-End, -arm), (-arm, -arm), (-arm, -End));
    }

    private static SKPath Heart(Random random)
    {
        var notch = random.Between(-0.45f, -0.28f);
        var path = new SKPath();
        path.MoveTo(0, 0.92f);
        path.CubicTo(-0.45f, 0.55f, -1.0f, 0.10f, -0.95f, -0.35f);
        path.CubicTo(-0.90f, -0.90f, -0.20f, -1.0f, 0, notch);
        path.CubicTo(0.20f, -1.0f, 0.90f, -0.90f, 0.95f, -0.35f);
        path.CubicTo(1.0f, 0.10f, 0.45f, 0.55f, 0, 0.92f);
        path.Close();
        return path;
    }

    private static SKPath Hourglass(Random random)
    {
        var waist = random.Between(0.05f, 0.12f);
        var width = random.Between(0.60f, 0.72f);
        return Polygon((-width, -0.78f), (width, -0.78f), (waist, 0), (width, 0.78f), (-width, 0.78f), (-waist, 0));
    }

    private static SKPath Ring(Random random)
    {
        var path = Circle(0.95f);
        path.AddCircle(0, 0, random.Between(0.48f, 0.64f));
        path.FillType = SKPathFillType.EvenOdd;
        return path;
    }

    private static SKPath Star(Random random)
    {
        var inner = random.Between(0.38f, 0.46f);
        return RegularPolygon(10, corner => corner % 2 == 0 ? 1 : inner);
    }

    private static SKPath RegularPolygon(int corners, Func<int, float> radius) =>
        Polygon([.. Enumerable.Range(0, corners).Select(corner =>
        {
            var (sin, cos) = MathF.SinCos(corner * MathF.Tau / corners);
            return (radius(corner) * cos, radius(corner) * sin);
        })]);

    private static SKPath Polygon(params (float X, float Y)[] corners)
    {
        var path = new SKPath();
        path.AddPoly([.. corners.Select(corner => new SKPoint(corner.X, corner.Y))], close: true);
        return path;
    }
}
