using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Interop;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Interop;

/// <summary>Calls every reach past ML.NET's public surface: after an upgrade of ML.NET, what moved fails here, by name.</summary>
public sealed class MLNetInternalsTests
{
    private readonly MLContext _ml = new(seed: 42);

    [Fact]
    public void GetEnvironmentOfTrainers() => Assert.NotNull(_ml.MulticlassClassification.Trainers.GetEnvironment());

    [Fact]
    public void GetEnvironmentOfClassification() => Assert.NotNull(_ml.MulticlassClassification.GetEnvironment());

    [Fact]
    public void GetEnvironmentOfTransforms() => Assert.NotNull(_ml.Transforms.GetEnvironment());

    [Fact]
    public void GetEnvironmentOfData() => Assert.NotNull(_ml.Data.GetEnvironment());

    [Fact]
    public void GetSeed()
    {
        Assert.Equal(42, _ml.Transforms.GetEnvironment().GetSeed());
        Assert.Equal(42, _ml.Transforms.GetEnvironment().Register("test").GetSeed());
        Assert.Null(new MLContext().Transforms.GetEnvironment().GetSeed());
    }

    [Fact]
    public void GetGpuDeviceId()
    {
        Assert.Null(_ml.Transforms.GetEnvironment().GetGpuDeviceId());
        Assert.Null(_ml.Transforms.GetEnvironment().Register("test").GetGpuDeviceId());
        Assert.Equal(1, new MLContext { GpuDeviceId = 1 }.Transforms.GetEnvironment().Register("test").GetGpuDeviceId());
    }

    [Fact]
    public void NewTransformsCatalog() =>
        Assert.NotNull(MLNetInternals.NewTransformsCatalog(_ml.Transforms.GetEnvironment()).CopyColumns("a", "b"));

    [Fact]
    public void NewMulticlassCatalog() => Assert.NotNull(MLNetInternals.NewMulticlassCatalog(_ml.Transforms.GetEnvironment()).Trainers);

    [Fact]
    public void NewSchemaShape()
    {
        var column = MLNetInternals.NewSchemaShapeColumn(
            "x", SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, isKey: false, annotations: null);
        Assert.Equal(("x", SchemaShape.Column.VectorKind.Vector, false), (column.Name, column.Kind, column.IsKey));

        var builder = new DataViewSchema.Builder();
        builder.AddColumn("y", TextDataViewType.Instance);
        Assert.Equal("y", Assert.Single(MLNetInternals.NewSchemaShape(null, builder.ToSchema())).Name);
    }

    [Fact]
    public void NewMaximumEntropyModelAndMulticlassTransformer()
    {
        var environment = _ml.Transforms.GetEnvironment();
        VBuffer<float>[] weights = [new(2, [1f, 0f]), new(2, [0f, 1f])];
        var model = MLNetInternals.NewMaximumEntropyModel(
            environment, weights, [0f, 0f], classCount: 2, featureCount: 2, labelNames: null, statistics: null);
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("Label", new KeyDataViewType(typeof(uint), 2));
        builder.AddColumn("Features", new VectorDataViewType(NumberDataViewType.Single, 2));

        var transformer = MLNetInternals.NewMulticlassTransformer(
            environment, model, builder.ToSchema(), "Features", "Label", "Score", "PredictedLabel");

        Assert.NotNull(transformer.GetOutputSchema(builder.ToSchema()).GetColumnOrNull("Score"));
    }

    [Fact]
    public void NewLinearRegressionModelAndRegressionTransformer()
    {
        var environment = _ml.Transforms.GetEnvironment();
        var model = MLNetInternals.NewLinearRegressionModel(environment, new VBuffer<float>(2, [1f, 3f]), bias: 5);
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("Features", new VectorDataViewType(NumberDataViewType.Single, 2));

        var transformer = MLNetInternals.NewRegressionTransformer(environment, model, builder.ToSchema(), "Features");

        Assert.Equal(NumberDataViewType.Single, transformer.GetOutputSchema(builder.ToSchema())["Score"].Type);
        Assert.Equal([1f, 3f, 5f], [.. model.Weights, model.Bias]);
    }

    [Fact]
    public void NewImage()
    {
        using var image = MLNetInternals.NewImage(new SKBitmap(3, 2, SKColorType.Gray8, SKAlphaType.Opaque));

        Assert.Equal((3, 2, MLPixelFormat.Bgra32), (image.Width, image.Height, image.PixelFormat));
    }

    [Fact]
    public void ResizeAndGrayscale()
    {
        using var image = MLNetInternals.NewImage(new SKBitmap(6, 2, SKColorType.Bgra8888, SKAlphaType.Opaque));
        using var resized = MLNetInternals.Resize(image, width: 3, height: 5);
        using var grey = MLNetInternals.Grayscale(resized);

        Assert.Equal((3, 5), (resized.Width, resized.Height));
        Assert.Equal((3, 5), (grey.Width, grey.Height));
    }

    [Fact]
    public void StagesOfAView()
    {
        var environment = _ml.Transforms.GetEnvironment();
        var paths = _ml.Data.LoadFromEnumerable([new ImageFolderRow { ImagePath = "a" }]);
        var loaded = _ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(paths).Transform(paths);
        var skipped = _ml.Data.SkipRows(loaded, 1);

        Assert.Equal(
            (null, paths, loaded), (MLNetInternals.SourceOf(paths), MLNetInternals.SourceOf(loaded), MLNetInternals.SourceOf(skipped)));
        Assert.Equal((null, null), (MLNetInternals.ImageLoaderOf(paths), MLNetInternals.ImageLoaderOf(skipped)));
        Assert.Equal([("Image", "ImagePath")], MLNetInternals.ColumnsOf(MLNetInternals.ImageLoaderOf(loaded)!));
        Assert.Same(paths, MLNetInternals.SourceOf(MLNetInternals.ApplyToData(environment, skipped, paths)));
        Assert.Throws<ArgumentException>(() => MLNetInternals.ApplyToData(environment, paths, loaded));
        Assert.Equal(
            (false, true, false), (MLNetInternals.MapsRows(paths), MLNetInternals.MapsRows(loaded), MLNetInternals.MapsRows(skipped)));
    }
}
