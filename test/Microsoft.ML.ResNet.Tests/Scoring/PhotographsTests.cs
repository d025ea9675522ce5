using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Scoring;

/// <summary>Photographs are scored row by row, several at once; small images in batches. The values and their order are the same.</summary>
public sealed class PhotographsTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(128, false)]
    [InlineData(64, true)]
    public void FeaturesAndTheirOrderAreThoseOfTheSavedModel(int side, bool inBatches)
    {
        Pictures.Write(_folder["photos"], perClass: 5, height: side + 2, width: side + 20);
        var files = _ml.Data.LoadImageFolder(_folder["photos"]);
        var images = _ml.Transforms.LoadImages("Image", null, nameof(ImageFolderRow.ImagePath)).Fit(files).Transform(files);
        var plan = LayerPlan.Create(
            new ResNetArchitecture("small", BlockKind.Basic, [1, 1]) { BaseWidth = 8 }, new ImageShape(3, side, side), classCount: 3);
        using var featurizer = _ml.Transforms.ResNetFeaturizeImage(
            ResNetWeights.Initialize(plan, seed: 1),
            plan.Architecture,
            preprocessing: new ImagePreprocessing(plan.Input, [100, 110, 120], [50, 60, 70])).Fit(images);
        _ml.Model.Save(featurizer, images.Schema, _folder["model.zip"]);

        var view = featurizer.Transform(images);
        var features = view.GetColumn<float[]>("Features").ToArray();

        var saved = _ml.Model.Load(_folder["model.zip"], out _);
        Assert.Equal(inBatches, Sources(view).OfType<BulkView<byte>>().Any());
        Assert.Equal(15, features.Length);
        Assert.Equal(15, features.Select(each => each.Sum()).Distinct().Count());
        Assert.Equal(saved.Transform(images).GetColumn<float[]>("Features"), features);
        Assert.Equal(files.GetColumn<string>("ImagePath"), view.GetColumn<string>("ImagePath"));
        (saved as IDisposable)?.Dispose();
    }

    private static IEnumerable<IDataView> Sources(IDataView? view)
    {
        for (; view is not null; view = MLNetInternals.SourceOf(view))
        {
            yield return view;
        }
    }
}
