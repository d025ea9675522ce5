using Microsoft.Playwright;

namespace WebApp.Tests.Page;

/// <summary>A headless Chromium: the machine's own, since Playwright's would be a download.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly string[] s_names =
    [
        "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome.exe", "msedge.exe",
    ];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    // A page waits for whatever else this machine does.
    static Chromium() => Assertions.SetDefaultExpectTimeout(60_000);

    /// <summary>Opens a page in a profile of its own; skips the test where there is no Chromium.</summary>
    public async Task<IPage> OpenAsync(string url, ColorScheme colours, int width, int height, bool isPhone)
    {
        var path = Find();
        Skip.If(path is null, "There is no Chromium on the PATH (Debian: apt-get install chromium)");
        _playwright ??= await Playwright.CreateAsync();
        _browser ??= await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = path });
        var context = await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            ColorScheme = colours,
            ViewportSize = new ViewportSize { Width = width, Height = height },
            HasTouch = isPhone,
            IsMobile = isPhone,
            DeviceScaleFactor = 2,
            ReducedMotion = ReducedMotion.Reduce,
        });
        var page = await context.NewPageAsync();
        page.SetDefaultTimeout(60_000);
        await page.GotoAsync(url);
        return page;
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await (_browser?.DisposeAsync() ?? ValueTask.CompletedTask);
        _playwright?.Dispose();
    }

    private static string? Find() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => s_names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
}
