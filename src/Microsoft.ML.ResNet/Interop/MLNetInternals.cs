using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Interop;

/// <summary>
/// Every reach past ML.NET's public surface, in this one file: what a component needs that ML.NET keeps for its own assemblies.
/// A test calls each member, so that an upgrade of ML.NET that moves one fails by its name.
/// </summary>
internal static class MLNetInternals
{
    private const string EnvironmentType = "Microsoft.ML.Runtime.IHostEnvironmentInternal, Microsoft.ML.Core";
    private const string DataTransformType = "Microsoft.ML.Data.IDataTransform, Microsoft.ML.Data";
    private const string MapperTransformType = "Microsoft.ML.Data.RowToRowMapperTransform, Microsoft.ML.Data";

    private const string RowMapperType = "Microsoft.ML.Data.IRowToRowMapper, Microsoft.ML.Core";

    // An accessor takes any object for the type that it names: what has not that type must not reach it.
    private static readonly Type DataTransform = Type.GetType(DataTransformType, throwOnError: true)!;
    private static readonly Type RowMapper = Type.GetType(RowMapperType, throwOnError: true)!;
    private static readonly Type MapperTransform = Type.GetType(MapperTransformType, throwOnError: true)!;

    // The mode is an enum of ML.NET's own, which no accessor can name; a delegate takes its number.
    private const int CropAnchorCentral = 6;

    private static readonly Lazy<Func<MLImage, int, int, int, MLImage>> ResizeImage = new(() => typeof(MLImage)
        .GetMethod("CloneWithResizing", BindingFlags.Instance | BindingFlags.NonPublic)!
        .CreateDelegate<Func<MLImage, int, int, int, MLImage>>());

    /// <summary>Gets the environment behind <c>mlContext.MulticlassClassification.Trainers</c>.</summary>
    public static IHostEnvironment GetEnvironment(this TrainCatalogBase.CatalogInstantiatorBase catalog) =>
        GetEnvironment(GetOwner(catalog));

    /// <summary>Gets the environment behind <c>mlContext.Transforms</c>.</summary>
    public static IHostEnvironment GetEnvironment(this TransformsCatalog catalog) => EnvironmentField(catalog);

    /// <summary>Gets the environment behind <c>mlContext.Data</c>.</summary>
    public static IHostEnvironment GetEnvironment(this DataOperationsCatalog catalog) => EnvironmentField(catalog);

    /// <summary>Gets the environment behind <c>mlContext.MulticlassClassification</c>.</summary>
    public static IHostEnvironment GetEnvironment(this MulticlassClassificationCatalog catalog) =>
        GetEnvironment((TrainCatalogBase)catalog);

    /// <summary>Gets the seed given to the <see cref="MLContext"/>, if one was.</summary>
    public static int? GetSeed(this IHostEnvironment environment) => SeedOf(environment);

    /// <summary>Gets the GPU that ONNX models are asked to run on, if one is: <see cref="MLContext.GpuDeviceId"/>.</summary>
    public static int? GetGpuDeviceId(this IHostEnvironment environment) => GpuDeviceIdOf(environment);

    /// <summary>Makes the catalog of stock transforms for an environment, as <see cref="MLContext.Transforms"/> is.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    public static extern TransformsCatalog NewTransformsCatalog(IHostEnvironment environment);

    /// <summary>Makes the catalog of classification for an environment, as <see cref="MLContext.MulticlassClassification"/> is.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    public static extern MulticlassClassificationCatalog NewMulticlassCatalog(IHostEnvironment environment);

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    public static extern SchemaShape.Column NewSchemaShapeColumn(
        string name, SchemaShape.Column.VectorKind kind, DataViewType itemType, bool isKey, SchemaShape? annotations);

    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod, Name = "Create")]
    public static extern SchemaShape NewSchemaShape(SchemaShape? type, DataViewSchema schema);

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    public static extern MaximumEntropyModelParameters NewMaximumEntropyModel(
        IHostEnvironment environment,
        VBuffer<float>[] weights,
        float[] bias,
        int classCount,
        int featureCount,
        string[]? labelNames,
        ModelStatisticsBase? statistics);

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    public static extern LinearRegressionModelParameters NewLinearRegressionModel(
        IHostEnvironment environment, in VBuffer<float> weights, float bias);

    public static RegressionPredictionTransformer<LinearRegressionModelParameters> NewRegressionTransformer(
        IHostEnvironment environment, LinearRegressionModelParameters model, DataViewSchema trainSchema, string featureColumn) =>
        Generic<LinearRegressionModelParameters>.NewRegressionTransformer(environment, model, trainSchema, featureColumn);

    public static MulticlassPredictionTransformer<MaximumEntropyModelParameters> NewMulticlassTransformer(
        IHostEnvironment environment,
        MaximumEntropyModelParameters model,
        DataViewSchema trainSchema,
        string featureColumn,
        string labelColumn,
        string scoreColumn,
        string predictedLabelColumn) =>
        Generic<MaximumEntropyModelParameters>.NewMulticlassTransformer(
            environment, model, trainSchema, featureColumn, labelColumn, scoreColumn, predictedLabelColumn);

    /// <summary>
    /// Makes an image of a bitmap, which it then owns, as <see cref="MLImage.CreateFromStream"/> does: of any colour type, and without a
    /// copy where it is of 32 bits.
    /// </summary>
    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    public static extern MLImage NewImage(SKBitmap bitmap);

    /// <summary>
    /// Makes an image of another size, as ResizeImages does with ResizingKind.IsoCrop: it covers the size, from its centre.
    /// </summary>
    public static MLImage Resize(MLImage image, int width, int height) => ResizeImage.Value(image, width, height, CropAnchorCentral);

    /// <summary>Makes a grey image, as ConvertToGrayscale does.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "CloneWithGrayscale")]
    public static extern MLImage Grayscale(MLImage image);

    /// <summary>Gets the view that a stage of ML.NET's made a view of; null if it is no such view.</summary>
    public static IDataView? SourceOf(IDataView view) => DataTransform.IsInstanceOfType(view) ? GetSource(view) : null;

    /// <summary>Tells whether the stage that made a view makes each of its rows from one of its source, in their order.</summary>
    public static bool MapsRows(IDataView view) => RowMapper.IsInstanceOfType(view);

    /// <summary>Applies the stage that made a view to another one with the same columns.</summary>
    public static IDataView ApplyToData(IHostEnvironment environment, IDataView view, IDataView newSource) =>
        DataTransform.IsInstanceOfType(view)
            ? (IDataView)ApplyTransformToData(null, environment, view, newSource)
            : throw new ArgumentException($"{view} was made by no stage of ML.NET's.", nameof(view));

    /// <summary>Gets LoadImages, if that made a view; null if something else did.</summary>
    public static ImageLoadingTransformer? ImageLoaderOf(IDataView view) =>
        MapperTransform.IsInstanceOfType(view) ? GetTransformer(view) as ImageLoadingTransformer : null;

    /// <summary>Gets the columns of images that LoadImages makes, and those of their paths.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Columns")]
    public static extern IReadOnlyCollection<(string outputColumnName, string inputColumnName)> ColumnsOf(ImageLoadingTransformer loader);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Source")]
    private static extern IDataView GetSource([UnsafeAccessorType(DataTransformType)] object view);

    [UnsafeAccessor(UnsafeAccessorKind.Method)]
    private static extern ITransformer GetTransformer([UnsafeAccessorType(MapperTransformType)] object view);

    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod)]
    [return: UnsafeAccessorType(DataTransformType)]
    private static extern object ApplyTransformToData(
        [UnsafeAccessorType("Microsoft.ML.Data.ApplyTransformUtils, Microsoft.ML.Data")] object? type,
        IHostEnvironment environment, [UnsafeAccessorType(DataTransformType)] object transform, IDataView newSource);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Owner")]
    private static extern TrainCatalogBase GetOwner(TrainCatalogBase.CatalogInstantiatorBase catalog);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Environment")]
    private static extern IHostEnvironment GetEnvironment(TrainCatalogBase catalog);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_env")]
    private static extern ref IHostEnvironment EnvironmentField(TransformsCatalog catalog);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_env")]
    private static extern ref IHostEnvironment EnvironmentField(DataOperationsCatalog catalog);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Seed")]
    private static extern int? SeedOf([UnsafeAccessorType(EnvironmentType)] object environment);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_GpuDeviceId")]
    private static extern int? GpuDeviceIdOf([UnsafeAccessorType(EnvironmentType)] object environment);

    // An accessor for a generic type must itself sit in a generic type.
    private static class Generic<TModel>
        where TModel : class
    {
        [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
        public static extern RegressionPredictionTransformer<TModel> NewRegressionTransformer(
            IHostEnvironment environment, TModel model, DataViewSchema inputSchema, string featureColumn);

        [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
        public static extern MulticlassPredictionTransformer<TModel> NewMulticlassTransformer(
            IHostEnvironment environment,
            TModel model,
            DataViewSchema trainSchema,
            string featureColumn,
            string labelColumn,
            string scoreColumn,
            string predictedLabelColumn);
    }
}
