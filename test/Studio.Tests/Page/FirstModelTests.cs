using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.Playwright;
using WebApp.Tests.Page;
using static Microsoft.Playwright.Assertions;

namespace Studio.Tests.Page;

/// <summary>A stranger with a zip file of photographs has a model after a few clicks.</summary>
public sealed class FirstModelTests(Chromium chromium) : IClassFixture<Chromium>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public async Task AntsAreToldFromBeesAfterSixClicks()
    {
        var photographs = Repository.Shared("data/hymenoptera.zip");
        Skip.IfNot(Directory.Exists(Path.Combine(SampleProcess.Folder("Studio"), "DnnImageModels")), "There are no pretrained weights");
        using var studio = Process.Start(new ProcessStartInfo("dotnet", [SampleProcess.Assembly("Studio"), _folder["p"], "--no-browser"])
        {
            RedirectStandardOutput = true,
        })!;
        try
        {
            var line = await studio.StandardOutput.ReadLineAsync() ?? "";
            var page = await chromium.OpenAsync(line[line.IndexOf("http", StringComparison.Ordinal)..], ColorScheme.Light, 1280, 860,
                isPhone: false);
            var clock = Stopwatch.StartNew();

            var chooser = await page.RunAndWaitForFileChooserAsync(() => page.GetByText("Choose a zip file").ClickAsync());
            await chooser.SetFilesAsync(photographs);
            await Expect(page.Locator(".class")).ToHaveCountAsync(2, new() { Timeout = 30_000 });
            await page.GetByRole(AriaRole.Link, new() { Name = "Next: train a network" }).ClickAsync();
            await page.GetByRole(AriaRole.Button, new() { Name = "Start training" }).ClickAsync();
            await Expect(page.Locator("#state")).ToHaveTextAsync("Done", new() { Timeout = 150_000 });
            await page.GetByRole(AriaRole.Link, new() { Name = "See how good it is" }).ClickAsync();
            var accuracy = double.Parse((await page.Locator(".big").TextContentAsync())!.TrimEnd('%', ' '), CultureInfo.InvariantCulture);
            await page.GetByRole(AriaRole.Navigation).GetByRole(AriaRole.Link, new() { Name = "Use" }).ClickAsync();
            var download = await page.RunAndWaitForDownloadAsync(() =>
                page.GetByRole(AriaRole.Link, new() { Name = "model.zip", Exact = true }).ClickAsync());
            await download.SaveAsAsync(_folder["model.zip"]);

            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(3), $"It took {clock.Elapsed.TotalSeconds:f0} s.");
            Assert.True(accuracy >= 94, $"{accuracy} % are right.");
            var photograph = Directory.GetFiles(_folder["p/val/bees"]).Order(StringComparer.Ordinal).First();
            Assert.Contains("bees=", SampleProcess.RunSample("Consume", _folder["model.zip"], photograph).Succeeded().Output);
        }
        finally
        {
            studio.Kill(entireProcessTree: true);
            await studio.WaitForExitAsync();
        }
    }
}
