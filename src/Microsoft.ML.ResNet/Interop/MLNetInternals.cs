using System.Runtime.CompilerServices;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.ResNet.Interop;

/// <summary>
/// Every reach past ML.NET's public surface, in this one file: what a component needs that ML.NET keeps for its own assemblies.
/// A test calls each member, so that an upgrade of ML.NET that moves one fails by its name.
/// </summary>
internal static class MLNetInternals
{
    private const string EnvironmentType = "Microsoft.ML.Runtime.IHostEnvironmentInternal, Microsoft.ML.Core";

    /// <summary>Gets the environment behind <c>mlContext.MulticlassClassification.Trainers</c>.</summary>
    public static IHostEnvironment GetEnvironment(this TrainCatalogBase.CatalogInstantiatorBase catalog) => GetEnvironment(GetOwner(catalog));

    /// <summary>Gets the environment behind <c>mlContext.Transforms</c>.</summary>
    public static IHostEnvironment GetEnvironment(this TransformsCatalog catalog) => EnvironmentField(catalog);

    /// <summary>Gets the environment behind <c>mlContext.Data</c>.</summary>
    public static IHostEnvironment GetEnvironment(this DataOperationsCatalog catalog) => EnvironmentField(catalog);

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
    public static extern SchemaShape.Column NewSchemaShapeColumn(string name, SchemaShape.Column.VectorKind kind, DataViewType itemType, bool isKey, SchemaShape? annotations);

    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod, Name = "Create")]
    public static extern SchemaShape NewSchemaShape(SchemaShape? type, DataViewSchema schema);

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    public static extern MaximumEntropyModelParameters NewMaximumEntropyModel(
        IHostEnvironment environment, VBuffer<float>[] weights, float[] bias, int classCount, int featureCount, string[]? labelNames, ModelStatisticsBase? statistics);

    public static MulticlassPredictionTransformer<MaximumEntropyModelParameters> NewMulticlassTransformer(
        IHostEnvironment environment, MaximumEntropyModelParameters model, DataViewSchema trainSchema, string featureColumn, string labelColumn, string scoreColumn, string predictedLabelColumn) =>
        Generic<MaximumEntropyModelParameters>.NewMulticlassTransformer(environment, model, trainSchema, featureColumn, labelColumn, scoreColumn, predictedLabelColumn);

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
        public static extern MulticlassPredictionTransformer<TModel> NewMulticlassTransformer(
            IHostEnvironment environment, TModel model, DataViewSchema trainSchema, string featureColumn, string labelColumn, string scoreColumn, string predictedLabelColumn);
    }
}
