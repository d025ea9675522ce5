using System.IO.Compression;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Tests.Scoring;

namespace Microsoft.ML.ResNet.Tests.Weights;

public sealed class ModelZipTests : IDisposable
{
    private const string Head = "/Model/Model.key";
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly IDataView _rows;
    private readonly ResNetClassificationTransformer _classifier;

    public ModelZipTests()
    {
        var rows = Pictures.Load(_ml, Pictures.Rows(perClass: 1, height: 8, width: 8, channels: 3));
        _rows = _ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelRow.Name)).Fit(rows).Transform(rows);
        _classifier = TestClassifier.Create(_ml, _rows, nameof(PixelRow.Bytes));
    }

    public void Dispose()
    {
        _classifier.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void ASavedModelGivesBackTheWeightsTheClassesAndThePreprocessing()
    {
        _ml.Model.Save(_classifier, _rows.Schema, _folder["model"]);

        var weights = ResNetWeights.Load(_folder["model"]);

        WeightsAssert.Same(_classifier.Weights, weights.For(_classifier.Plan));
        Assert.Equal(_classifier.Weights.Tensors.Length, weights.Tensors.Length);
        Assert.Equal(Pictures.ClassNames, weights.ClassNames);
        WeightsAssert.Same(_classifier.Preprocessing, weights.Preprocessing);
        Assert.Equal("tiny", weights.ArchitectureName);
    }

    [Fact]
    public void AModelAmongOtherTransformsIsFound()
    {
        var key = _ml.Transforms.Conversion.MapValueToKey("Other", nameof(PixelRow.Name)).Fit(_rows);
        var chain = key.Append<ITransformer>(_classifier)
            .Append<ITransformer>(_ml.Transforms.DropColumns("Other").Fit(_classifier.Transform(key.Transform(_rows))));
        _ml.Model.Save(chain, _rows.Schema, _folder["model"]);

        WeightsAssert.Same(_classifier.Weights, ResNetWeights.Load(_folder["model"]).For(_classifier.Plan));
    }

    [Fact]
    public void AReloadedAndSavedAgainModelIsTheSame()
    {
        _ml.Model.Save(_classifier, _rows.Schema, _folder["model"]);
        var loaded = _ml.Model.Load(_folder["model"], out var schema);
        _ml.Model.Save(loaded, schema, _folder["again"]);
        (loaded as IDisposable)?.Dispose();

        WeightsAssert.Same(_classifier.Weights, ResNetWeights.Load(_folder["again"]).For(_classifier.Plan));
    }

    [Fact]
    public void AFeaturizersModelHasNoHead()
    {
        var weights = new ResNetWeights(_classifier.Weights.Tensors) { Preprocessing = _classifier.Preprocessing };
        using var featurizer = _ml.Transforms.ResNetFeaturizeImage(weights, TestClassifier.Tiny, nameof(PixelRow.Bytes)).Fit(_rows);
        _ml.Model.Save(featurizer, _rows.Schema, _folder["model"]);

        var loaded = ResNetWeights.Load(_folder["model"]);

        Assert.Equal(_classifier.Weights.Tensors.Select(tensor => tensor.Name).SkipLast(2), loaded.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(loaded.Tensors.Length, loaded.For(_classifier.Plan, strict: false).Tensors.Length);
        Assert.Contains("2 missing: 'fc.weight'", Assert.Throws<ArgumentException>(() => loaded.For(_classifier.Plan)).Message);
    }

    [Fact]
    public void AModelWithoutANetworkOrWithTwoIsRefused()
    {
        WeightsAssert.Says(
            "holds neither a PyTorch checkpoint", Edit(name => name.EndsWith("/OnnxModel", StringComparison.Ordinal), _ => null));

        var two = new TransformerChain<ITransformer>(_classifier, _classifier);
        _ml.Model.Save(two, _rows.Schema, _folder["two"]);
        WeightsAssert.Says("several networks", File.ReadAllBytes(_folder["two"]));
    }

    [Theory]
    [InlineData(0x104, int.MaxValue)] // features
    [InlineData(0x104, -1)]
    [InlineData(0x108, int.MaxValue)] // classes
    [InlineData(0x108, int.MinValue)]
    [InlineData(0x100, 8)]            // the size of a float
    [InlineData(0x118, 4)]            // sparse rows
    [InlineData(0x14, 1 << 30)]       // where the model starts, upper half
    [InlineData(0x1c, 1 << 30)]       // how long it is, upper half
    [InlineData(0x1c, -1)]
    public void AHeadThatIsNoneIsRefused(int offset, int value) =>
        WeightsAssert.Refused(Edit(name => name.EndsWith(Head, StringComparison.Ordinal), head =>
        {
            BitConverter.TryWriteBytes(head.AsSpan(offset), value);
            return head;
        }));

    [Fact]
    public void ANetworkOfAnotherLengthIsRefused() => WeightsAssert.Says(
        "its network claims 2,147,483,647 bytes",
        Edit(name => name.EndsWith("/OnnxModel", StringComparison.Ordinal), network =>
        {
            BitConverter.TryWriteBytes(network, int.MaxValue);
            return network;
        }));

    // Saves the classifier, and replaces or drops an entry.
    private byte[] Edit(Predicate<string> which, Func<byte[], byte[]?> change)
    {
        _ml.Model.Save(_classifier, _rows.Schema, _folder["model"]);
        using (var zip = ZipFile.Open(_folder["model"], ZipArchiveMode.Update))
        {
            var entry = Assert.Single(zip.Entries, entry => which(entry.FullName));
            using var content = new MemoryStream();
            using (var stream = entry.Open())
            {
                stream.CopyTo(content);
            }

            entry.Delete();
            if (change(content.ToArray()) is { } changed)
            {
                using var stream = zip.CreateEntry(entry.FullName).Open();
                stream.Write(changed);
            }
        }

        return File.ReadAllBytes(_folder["model"]);
    }
}
