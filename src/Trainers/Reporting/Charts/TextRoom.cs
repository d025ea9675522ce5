using OxyPlot;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Charts;

/// <summary>
/// Says how much room a text needs when it is not known which font it will be shown in: as much as it takes in the widest of the usual
/// ones. It depends on no font of this machine, so that a chart is the same wherever it is made.
/// </summary>
internal sealed class TextRoom : RenderContextBase
{
    // Verdana's and DejaVu Sans' digits; their letters are narrower on average.
    private const double WidthPerEm = 0.63;
    private const double LineHeight = 1.25;

    public override int ClipCount => 0;

    public override OxySize MeasureText(string text, string fontFamily = null!, double fontSize = 10, double fontWeight = 500) =>
        string.IsNullOrEmpty(text) ? OxySize.Empty : new OxySize(WidthPerEm * fontSize * text.Length, LineHeight * fontSize);

    public override void DrawLine(
        IList<ScreenPoint> points, OxyColor stroke, double thickness, EdgeRenderingMode mode, double[] dashes, LineJoin join) =>
        throw new NotSupportedException();

    public override void DrawPolygon(
        IList<ScreenPoint> points,
        OxyColor fill, OxyColor stroke, double thickness, EdgeRenderingMode mode, double[] dashes, LineJoin join) =>
        throw new NotSupportedException();

    public override void DrawText(
        ScreenPoint p,
        string text,
        OxyColor fill,
        string fontFamily,
        double fontSize,
        double fontWeight,
        double rotation,
        HorizontalAlignment horizontalAlignment,
        VerticalAlignment verticalAlignment,
        OxySize? maxSize) =>
        throw new NotSupportedException();

    public override void PushClip(OxyRect clippingRectangle) => throw new NotSupportedException();

    public override void PopClip() => throw new NotSupportedException();
}
