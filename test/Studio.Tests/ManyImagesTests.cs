using System.Diagnostics;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.Playwright;
using Studio.Data;
using Studio.Tests.Hosting;
using WebApp.Tests.Page;
using static Microsoft.Playwright.Assertions;

namespace Studio.Tests;

/// <summary>A hundred thousand images are listed and scrolled like ten.</summary>
public sealed class ManyImagesTests(ManyImagesTests.Files files, Chromium chromium) : IClassFixture<ManyImagesTests.Files>,
    IClassFixture<Chromium>
{
    private const int Classes = 10;
    private const int PerClass = 10_000;

    [Fact]
    public async Task TheyAreListedInTwoSeconds()
    {
        var clock = Stopwatch.StartNew();
        using (var project = new ImageProject(files.Folder))
        {
            Assert.Equal(Classes * PerClass, project.Current.Count);
        }

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(2), $"Listing took {clock.Elapsed.TotalSeconds:f2} s.");

        await using var studio = await TestStudio.StartAsync(files.Folder);
        clock.Restart();
        await studio.GetAsync("project");
        var page = await studio.GetAsync("images?class=c5&from=9000&count=500");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(2), $"Asking took {clock.Elapsed.TotalSeconds:f2} s.");
        Assert.Equal("c5/09000.png", page.GetProperty("images")[0].GetString());
    }

    [SkippableFact]
    public async Task OnlyThoseInSightAreInThePage()
    {
        await using var studio = await TestStudio.StartAsync(files.Folder);
        var page = await chromium.OpenAsync(studio.Address, ColorScheme.Light, 1200, 900, isPhone: false);
        await Expect(page.GetByLabel("00000.png")).ToBeVisibleAsync();

        await page.Locator(".grid").EvaluateAsync("grid => { grid.scrollTop = grid.scrollHeight; }");

        await Expect(page.GetByLabel("09999.png")).ToBeInViewportAsync();
        Assert.InRange(await page.Locator(".tile").CountAsync(), 10, 200);
        await page.GetByLabel("09999.png").FocusAsync();
        await page.Keyboard.PressAsync("ArrowLeft");
        await Expect(page.GetByLabel("09998.png")).ToBeFocusedAsync();
    }

    /// <summary>The files.</summary>
    public sealed class Files : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public Files()
        {
            var content = Drawn.Pictures("circle", 1)[0];
            Parallel.For(0, Classes, number =>
            {
                var target = Directory.CreateDirectory(Path.Combine(Folder, $"c{number}")).FullName;
                for (var i = 0; i < PerClass; i++)
                {
                    File.WriteAllBytes(Path.Combine(target, $"{i:d5}.png"), content);
                }
            });
        }

        public string Folder => _folder["many"];

        public void Dispose() => _folder.Dispose();
    }
}
