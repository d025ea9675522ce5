using System.Globalization;
using Microsoft.ML.ResNet.TestSupport;
using WebApp.Images;
using WebApp.Models;
using WebApp.Tests.Hosting;

namespace WebApp.Tests;

public sealed class MemoryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Twelve bytes a pixel are promised for an image whose decoder needs the whole file first, one more for what else goes on. 20 million
    // pixels: 240 MB.
    [SkippableTheory]
    [InlineData(3)]
    [InlineData(4)]
    public async Task AProgressiveJpegTakesNoMoreThanIsPromised(int components)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only Linux's most resident memory can be set back.");
        const int side = 4480;
        TestModel.Save(_folder["model.zip"]);
        var classifier = Classifier.Load(File.ReadAllBytes(_folder["model.zip"]), engines: 1);
        var small = EncodedImage.Open(TestImages.ProgressiveJpeg(64, components), new ServiceOptions());
        await classifier.ScoreAsync(small, CancellationToken.None);

        var file = TestImages.ProgressiveJpeg(side, components);
        File.WriteAllText("/proc/self/clear_refs", "5"); // proc(5): the most is now what is resident
        var before = MostResidentBytes();
        await classifier.ScoreAsync(EncodedImage.Open(file, new ServiceOptions()), CancellationToken.None);

        var perPixel = (double)(MostResidentBytes() - before) / (side * side);
        classifier.Release();
        Assert.InRange(perPixel, 6, 13);
    }

    private static long MostResidentBytes()
    {
        var line = File.ReadLines("/proc/self/status").Single(line => line.StartsWith("VmHWM:"));
        return 1024 * long.Parse(line[6..^2].Trim(), CultureInfo.InvariantCulture);
    }
}
