using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

public sealed class TrivialAugmentTests
{
    private const int Side = 15;
    private const float Mean = 77;

    private static readonly ImageShape Shape = new(1, Side, Side);

    [Fact]
    public void EveryOperationOccursAtEveryStrengthEitherWay()
    {
        var shape = new ImageShape(3, 14, 14);
        var augment = Augment(shape);
        float[] scene = [.. Scene.Draw(14, 14).Select(value => (float)value)];
        var seen = new HashSet<string>();
        for (var dice = 0; dice < 15_000; dice++)
        {
            seen.Add(After(scene, picture => augment.Apply(picture, new Random(SeedMixer.Mix(1, dice)))));
        }

        var possible = new HashSet<string>();
        foreach (var operation in Enum.GetValues<TrivialOperation>())
        {
            for (var strength = 0; strength <= 30; strength++)
            {
                possible.Add(After(scene, picture => augment.Apply(picture, operation, strength, negative: false)));
                possible.Add(After(scene, picture => augment.Apply(picture, operation, strength, negative: true)));
            }
        }

        Assert.True(possible.Count > 400, $"{possible.Count} different results");
        Assert.True(
            possible.SetEquals(seen), $"{possible.Except(seen).Count()} never occurred, {seen.Except(possible).Count()} should not have");
    }

    [Theory]
    [InlineData(3, true, true)]
    [InlineData(1, true, true)]
    [InlineData(3, false, false)]
    [InlineData(2, true, false)]
    [InlineData(12, true, false)]
    public void ColoursAreChangedOnlyWhereValuesAreColours(int channels, bool levels, bool changed)
    {
        // An even picture of the mean stays the same wherever its pixels go.
        var shape = new ImageShape(channels, 8, 8);
        var augment = Augment(shape, levels);
        var values = Enumerable.Range(0, 200).SelectMany(dice =>
        {
            var picture = Enumerable.Repeat(Mean, shape.Size).ToArray();
            augment.Apply(picture, new Random(SeedMixer.Mix(1, dice)));
            return picture;
        });

        Assert.Equal(changed, values.Any(value => value != Mean));
    }

    [Fact]
    public void VectorsOfFloatsMayHaveAnyRange()
    {
        var augment = new TrivialAugment(Shape, new Normalization(new ImagePreprocessing(Shape, [-0.5f], [1])), levels: false);
        for (var dice = 0; dice < 100; dice++)
        {
            float[] picture = [.. Enumerable.Range(0, Shape.Size).Select(i => i % 2 == 0 ? -3f : 3f)];
            augment.Apply(picture, new Random(SeedMixer.Mix(1, dice)));

            Assert.All(picture, value => Assert.InRange(value, -3, 3));
            Assert.True(picture.Min() < -1 && picture.Max() > 1);
        }
    }

    [Fact]
    public void ShearIsAroundTheCentreByTheTangentOfTheAngle()
    {
        // A line down the middle leans over, and still goes through the middle: at 5 rows from it by 4.95 columns.
        var picture = Line(vertical: true);
        Augment(Shape).Apply(picture, TrivialOperation.ShearX, strength: 30, negative: true);

        Assert.Equal(200, picture[7 * Side + 7], 1e-3);
        Assert.Equal(0.95f * 200, picture[12 * Side + 12], 1e-2);
        Assert.Equal(0.05f * 200, picture[12 * Side + 11], 1e-2);
        Assert.Equal(0.95f * 200, picture[2 * Side + 2], 1e-2);

        picture = Line(vertical: false);
        Augment(Shape).Apply(picture, TrivialOperation.ShearY, strength: 30, negative: false);

        Assert.Equal(200, picture[7 * Side + 7], 1e-3);
        Assert.Equal(0.95f * 200, picture[2 * Side + 12], 1e-2);
        Assert.Equal(0.95f * 200, picture[12 * Side + 2], 1e-2);
    }

    [Fact]
    public void HalfTheStrengthIsHalfTheShear()
    {
        var picture = Line(vertical: true);
        Augment(Shape).Apply(picture, TrivialOperation.ShearX, strength: 15, negative: true);

        Assert.Equal(0.02f * 200, picture[11 * Side + 8], 1e-2); // 4 × 0.495 = 1.98 columns
        Assert.Equal(0.98f * 200, picture[11 * Side + 9], 1e-2);
    }

    [Theory]
    [InlineData(32, 4)]
    [InlineData(64, 9)]
    [InlineData(224, 32)]
    public void TranslationIsByWholePixelsUpToASeventhAndTheMeanComesIn(int side, int most)
    {
        var shape = new ImageShape(1, side, side);
        float[] original = [.. Enumerable.Range(0, shape.Size).Select(i => (float)(i % 101))];
        float[] right = [.. original], down = [.. original];

        Augment(shape).Apply(right, TrivialOperation.TranslateX, strength: 30, negative: true);
        Augment(shape).Apply(down, TrivialOperation.TranslateY, strength: 30, negative: true);

        for (var i = 0; i < original.Length; i++)
        {
            Assert.Equal(i % side < most ? Mean : original[i - most], right[i]);
            Assert.Equal(i / side < most ? Mean : original[i - most * side], down[i]);
        }
    }

    [Fact]
    public void RotationTurnsAroundTheCentreByUpTo135Degrees()
    {
        // Two thirds of the strength: 90 degrees.
        float[] original = [.. Enumerable.Range(0, Shape.Size).Select(i => (float)(i % 101))];
        float[] left = [.. original], right = [.. original];
        Augment(Shape).Apply(left, TrivialOperation.Rotate, strength: 20, negative: false);
        Augment(Shape).Apply(right, TrivialOperation.Rotate, strength: 20, negative: true);

        for (var y = 0; y < Side; y++)
        {
            for (var x = 0; x < Side; x++)
            {
                Assert.Equal(original[x * Side + (Side - 1 - y)], left[y * Side + x], 1e-3);
                Assert.Equal(original[(Side - 1 - x) * Side + y], right[y * Side + x], 1e-3);
            }
        }

        // A line turned by 135 degrees lies on the diagonal.
        var line = Line(vertical: true);
        Augment(Shape).Apply(line, TrivialOperation.Rotate, strength: 30, negative: false);
        Assert.All(Enumerable.Range(3, 9), i => Assert.Equal(200, line[i * Side + (Side - 1 - i)], 1e-2));
        Assert.Equal(0, line[3 * Side + 3], 1e-3);
    }

    private static string After(float[] picture, Action<float[]> change)
    {
        float[] copy = [.. picture];
        change(copy);
        return Convert.ToBase64String(MemoryMarshal.AsBytes<float>(copy));
    }

    private static float[] Line(bool vertical) =>
        [.. Enumerable.Range(0, Shape.Size).Select(i => (vertical ? i % Side : i / Side) == Side / 2 ? 200f : 0f)];

    private static TrivialAugment Augment(ImageShape shape, bool levels = true) =>
        new(
            shape,
            new Normalization(
                new ImagePreprocessing(shape, [.. Enumerable.Repeat(Mean, shape.Channels)], [.. Enumerable.Repeat(1f, shape.Channels)])),
            levels);
}
