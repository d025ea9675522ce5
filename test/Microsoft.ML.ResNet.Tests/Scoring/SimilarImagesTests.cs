using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Scoring;

public sealed class SimilarImagesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheMostSimilarAreThoseOfTheLargestCosine()
    {
        var random = new Random(1);
        var embeddings = Enumerable.Range(0, 10_000).Select(i => new ImageEmbedding($"{i}.jpg", Draw(random, 32))).ToArray();
        var wanted = Draw(random, 32);

        var found = SimilarImages.Of(embeddings).Find(wanted, 10);

        var expected = embeddings.Select(each => (each.Path, Cosine: Cosine(each.Features, wanted)))
            .OrderByDescending(each => each.Cosine).Take(10).ToArray();
        Assert.Equal(expected.Select(each => each.Path), found.Select(each => each.Path));
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First.Cosine, pair.Second.Similarity, 1e-5));
    }

    [Fact]
    public void LengthDoesNotMatterAndEqualsKeepTheirOrder()
    {
        var images = SimilarImages.Of(
            [new("a", [1, 0]), new("b", [3e38f, 0]), new("c", [0, 1e-38f]), new("none", [0, 0]), new("d", [-1, 0])]);

        var found = images.Find([2, 0], 5);

        Assert.Equal([new("a", 1), new("b", 1), new("c", 0), new("none", 0), new SimilarImage("d", -1)], found.ToArray());
        Assert.Equal("c", Assert.Single(images.Find([0, 5], 1)).Path);
        Assert.Empty(SimilarImages.Of([]).Find([1, 2], 3));
    }

    [Fact]
    public void DuplicatesAreFoundAcrossCollections()
    {
        var random = new Random(2);
        var training = Enumerable.Range(0, 500).Select(i => new ImageEmbedding($"train/{i}", Draw(random, 16))).ToArray();
        var near = training[7].Features.Select(value => value + 0.01f * random.NextSingle()).ToArray();
        var test = SimilarImages.Of(
        [
            new("test/new", Draw(random, 16)),
            new("test/near", near),
            new("test/same", training[3].Features),
            new("test/none", new float[16]),
        ]);

        var found = test.FindDuplicates(SimilarImages.Of(training), SimilarImages.DuplicateSimilarity);

        Assert.Equal([("test/same", "train/3"), ("test/near", "train/7")], found.Select(each => (each.Path, each.Other)));
        Assert.All(found, each => Assert.InRange(each.Similarity, 0.98f, 1));
        Assert.Empty(test.FindDuplicates(SimilarImages.Of([]), 0.5f));
    }

    [Fact]
    public void ASavedCollectionIsTheSame()
    {
        var random = new Random(3);
        var images = SimilarImages.Of(Enumerable.Range(0, 100).Select(i => new ImageEmbedding($"Bilder/ä {i} 🐝.jpg", Draw(random, 8))));
        images.Save(_folder["images.similar"]);

        var loaded = SimilarImages.Load(_folder["images.similar"]);

        var wanted = Draw(random, 8);
        Assert.Equal(images.Paths.ToArray(), loaded.Paths.ToArray());
        Assert.Equal(images.Find(wanted, 100).ToArray(), loaded.Find(wanted, 100).ToArray());
        SimilarImages.Of([]).Save(_folder["empty"]);
        Assert.Empty(SimilarImages.Load(_folder["empty"]).Paths);
    }

    [Fact]
    public void ADamagedFileIsRefusedByName()
    {
        SimilarImages.Of([new("a", [1, 0]), new("b", [0, 1])]).Save(_folder["whole"]);
        var whole = File.ReadAllBytes(_folder["whole"]);

        for (var length = 0; length < whole.Length; length++)
        {
            Refused(whole[..length]);
        }

        Refused([.. whole, 0]);
        Refused(Changed(8, 2));                 // a later version
        Refused(Changed(12, int.MaxValue));     // images
        Refused(Changed(12, -1));
        Refused(Changed(16, int.MaxValue));     // features
        Refused(Changed(16, 0));
        Refused(Changed(20, int.MaxValue));     // the length of a path
        Refused(Changed(whole.Length - 4, BitConverter.SingleToInt32Bits(float.NaN)));
        Refused(Changed(whole.Length - 4, BitConverter.SingleToInt32Bits(7)));

        byte[] Changed(int at, int number)
        {
            var file = whole.ToArray();
            BitConverter.TryWriteBytes(file.AsSpan(at), number);
            return file;
        }

        void Refused(byte[] file)
        {
            File.WriteAllBytes(_folder["damaged"], file);
            if (file.Length > 0)
            {
                Assert.Contains("damaged", Assert.Throws<InvalidDataException>(() => SimilarImages.Load(_folder["damaged"])).Message);
            }
        }
    }

    [Fact]
    public void FeaturesOfAnotherNetworkAreRefused()
    {
        var images = SimilarImages.Of([new("a", [1, 0])]);

        Assert.Contains("2", Assert.Throws<ArgumentException>(() => images.Find([1, 2, 3], 1)).Message);
        Assert.Throws<ArgumentException>(() => images.Find([1, float.NaN], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => images.Find([1, 2], 0));
        Assert.Throws<ArgumentException>(() => SimilarImages.Of([new("a", [1, 0]), new("b", [1])]));
        Assert.Throws<ArgumentException>(() => SimilarImages.Of([new("a", [])]));
        Assert.Throws<ArgumentException>(() => SimilarImages.Of([new("a", [float.PositiveInfinity])]));
        Assert.Throws<ArgumentException>(() => images.FindDuplicates(SimilarImages.Of([new("a", [1])]), 0.9f));
        Assert.Throws<ArgumentOutOfRangeException>(() => images.FindDuplicates(images, 0));
    }

    private static float[] Draw(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.3))];

    private static double Cosine(float[] left, float[] right) =>
        left.Zip(right, (one, other) => (double)one * other).Sum()
        / Math.Sqrt(left.Sum(value => (double)value * value) * right.Sum(value => (double)value * value));
}
