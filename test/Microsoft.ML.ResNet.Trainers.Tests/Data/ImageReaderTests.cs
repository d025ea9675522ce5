using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Data;

public sealed class ImageReaderTests
{
    // Files of 60×90 pixels, for a network that reads 20×20.
    [Theory]
    [InlineData(1.5, 30, 45)]
    [InlineData(480.0 / 224, 43, 65)]
    [InlineData(5, 60, 90)] // never enlarged
    public void WholeImagesAreReducedToTheScaleAskedFor(double keptScale, int height, int width)
    {
        using var folder = new TemporaryFolder();
        Pictures.Write(folder.Path, perClass: 1, height: 60, width: 90);
        var ml = new MLContext(1);
        var data = ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(ml.Data.LoadImageFolder(folder.Path)).Transform(ml.Data.LoadImageFolder(folder.Path));
        var column = new ImageColumn("Image", PixelSource.Image, new ImageShape(3, 20, 20));
        var reader = new ImageReader<byte>(ml, column, new ImagePreprocessing(column.Shape, [1, 1, 1], [1, 1, 1]), keptScale, BadImageHandling.Fail, CancellationToken.None);

        var images = reader.Read(data, Rows(data), whole: [true, true, false]);

        Assert.Equal((height, width, height * width * 3), (images[0]!.Value.Height, images[0]!.Value.Width, images[0]!.Value.Pixels.Length));
        Assert.Equal((height, width), (images[1]!.Value.Height, images[1]!.Value.Width));
        Assert.Equal((20, 20), (images[2]!.Value.Height, images[2]!.Value.Width));
    }

    private static LabeledRow[] Rows(IDataView data)
    {
        using var cursor = data.GetRowCursor([]);
        var (getId, rows) = (cursor.GetIdGetter(), new List<LabeledRow>());
        while (cursor.MoveNext())
        {
            var id = default(DataViewRowId);
            getId(ref id);
            rows.Add(new LabeledRow(id, 0, 1));
        }

        return [.. rows];
    }
}
