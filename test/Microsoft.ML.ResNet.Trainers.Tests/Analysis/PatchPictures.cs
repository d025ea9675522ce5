using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Analysis;

/// <summary>Grey noise with one small patch of stripes somewhere: which way they run is the class.</summary>
internal static class PatchPictures
{
    public const int Side = 32;

    private const int PatchSide = 10;

    public static readonly string[] ClassNames = ["lying", "standing"];

    /// <summary>Writes PNG files, one folder per class.</summary>
    /// <returns>Where the patches are.</returns>
    public static Patch[] Write(string folder, int perClass, int seed)
    {
        var (random, patches) = (new Random(seed), new List<Patch>());
        foreach (var name in ClassNames)
        {
            var classFolder = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
            for (var i = 0; i < perClass; i++)
            {
                var patch = new Patch(
                    Path.Combine(classFolder, $"{i:d3}.png"), random.Next(Side - PatchSide), random.Next(Side - PatchSide));
                using var image = Pictures.ToImage(Draw(patch, lying: name == ClassNames[0], random), Side, Side);
                image.Save(patch.Path);
                patches.Add(patch);
            }
        }

        return [.. patches];
    }

    private static byte[] Draw(Patch patch, bool lying, Random random)
    {
        var pixels = new byte[Side * Side * 3];
        for (var i = 0; i < Side * Side; i++)
        {
            var (x, y) = (i % Side, i / Side);
            var stripe = (lying ? y : x) / 2 % 2 == 0 ? 220 : 30;
            pixels.AsSpan(3 * i, 3).Fill((byte)((patch.Contains(x, y, margin: 0) ? stripe : 120) + random.Next(-20, 21)));
        }

        return pixels;
    }

    internal sealed record Patch(string Path, int Left, int Top)
    {
        public bool Contains(int x, int y, int margin) =>
            x >= Left - margin && x < Left + PatchSide + margin && y >= Top - margin && y < Top + PatchSide + margin;
    }
}
