using Microsoft.ML.ResNet.TestSupport;
using Microsoft.Playwright;
using WebApp.Tests.Hosting;
using static Microsoft.Playwright.Assertions;

namespace WebApp.Tests.Page;

public sealed class PageTests(ServiceFixture fixture, Chromium chromium) : IClassFixture<ServiceFixture>, IClassFixture<Chromium>
{
    // Gives the page files, as an event brings them.
    private const string Bring = """
        ([type, content, name]) => {
          const files = new DataTransfer();
          files.items.add(new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], name, { type: 'image/png' }));
          document.body.dispatchEvent(type === 'paste'
            ? new ClipboardEvent('paste', { clipboardData: files, bubbles: true })
            : new DragEvent('drop', { dataTransfer: files, bubbles: true, cancelable: true }));
        }
        """;

    [SkippableFact]
    public async Task ShowsTheTopFiveOfEveryImageAndWhatIsWrongWithTheOthers()
    {
        var page = await OpenAsync();
        var images = Enumerable.Range(1, 9).Select(seed => TestImages.Png(seed)).ToArray();

        await page.GetByLabel("Choose images").SetInputFilesAsync([.. images.Select((image, i) => Payload($"image {i}.png", image)),
            Payload("notes.png", "no image"u8.ToArray()), Payload("large.png", new byte[100_001])]);

        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "11 images" })).ToBeVisibleAsync();
        await Expect(page.Locator("[aria-busy]")).ToHaveCountAsync(0);
        for (var i = 0; i < images.Length; i++)
        {
            var expected = fixture.Reference.Of(images[i]).OrderByDescending(score => score.Value).Take(5).ToArray();
            var card = Card(page, $"image {i}.png");
            Assert.Equal(expected.Select(score => score.Key), await card.Locator(".label").AllTextContentsAsync());
            Assert.Equal(expected.Select(score => $"{100 * score.Value:f1}%"), await card.Locator(".percent").AllTextContentsAsync());
            await Expect(card.Locator(".unsure")).ToBeHiddenAsync();
            Assert.True(await card.Locator("img").EvaluateAsync<bool>("image => image.complete && image.naturalWidth > 0"));
        }

        await Expect(Card(page, "notes.png")).ToContainTextAsync("Not an image");
        await Expect(Card(page, "large.png")).ToContainTextAsync("100,001 bytes; 100,000 are accepted");
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("image 0.png: ");
    }

    // Its policy allows the page all that it does, and nothing that is brought into it.
    [SkippableFact]
    public async Task NothingOfThePageIsAgainstItsPolicyAndAForeignScriptIs()
    {
        var page = await OpenAsync();
        var complaints = new List<string>();
        page.Console += (_, message) => complaints.Add(message.Text);
        await page.ReloadAsync();
        await page.GetByLabel("Choose images").SetInputFilesAsync(Payload("image.png", TestImages.Png(1)));
        await Expect(Card(page, "image.png").Locator(".label")).ToHaveCountAsync(5);
        await Expect(page.Locator("[aria-busy]")).ToHaveCountAsync(0);
        Assert.DoesNotContain(complaints, text => text.Contains("Content Security Policy"));

        await page.EvaluateAsync(
            "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = true' }))");

        Assert.False(await page.EvaluateAsync<bool>("window.ran === true"));
        Assert.Contains(complaints, text => text.Contains("Content Security Policy"));
    }

    [SkippableTheory]
    [InlineData("paste")]
    [InlineData("drop")]
    public async Task TakesAnImageThatIsPastedOrDropped(string type)
    {
        var page = await OpenAsync();

        await page.EvaluateAsync(Bring, new[] { type, Convert.ToBase64String(TestImages.Png(1)), "brought.png" });

        await Expect(Card(page, "brought.png").Locator(".label")).ToHaveCountAsync(5);
    }

    [SkippableFact]
    public async Task WorksFromTheKeyboardAlone()
    {
        var page = await OpenAsync();

        await page.Keyboard.PressAsync("Tab");
        await Expect(page.GetByLabel("Choose images")).ToBeFocusedAsync();
        var chooser = await page.RunAndWaitForFileChooserAsync(() => page.Keyboard.PressAsync("Space"));
        await chooser.SetFilesAsync([Payload("first.png", TestImages.Png(1)), Payload("second.png", TestImages.Png(2))]);
        await Expect(page.Locator(".label")).ToHaveCountAsync(10);

        await page.Keyboard.PressAsync("Tab"); // past "Clear all"
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.GetByLabel("Remove first.png")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(Card(page, "first.png")).ToHaveCountAsync(0);
        await Expect(page.GetByLabel("Remove second.png")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByLabel("Choose images")).ToBeFocusedAsync();
        await Expect(page.Locator("#results")).ToBeHiddenAsync();
    }

    [SkippableFact]
    public async Task ShowsHowTrainingGoesAndThenTakesImagesWithoutBeingLoadedAgain()
    {
        var page = await chromium.OpenAsync("about:blank", ColorScheme.Light, 1200, 900, isPhone: false);
        await page.RouteAsync("**/health", route => route.FulfillAsync(new()
        {
            Status = 503,
            Json = new { status = "training", detail = "Epoch 3 of 10: loss 0.412, accuracy 93.1 %", progress = 0.27 },
        }));
        await page.GotoAsync(fixture.Service.Url);

        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Training a first model" })).ToBeVisibleAsync();
        await Expect(page.GetByText("Epoch 3 of 10")).ToBeVisibleAsync();
        Assert.Equal(0.27, await page.GetByRole(AriaRole.Progressbar).EvaluateAsync<double>("bar => bar.value"), 3);
        await Expect(page.GetByText("Choose images")).ToBeHiddenAsync();
        await SaveScreenshotAsync(page, "training");

        await page.UnrouteAsync("**/health");
        await Expect(page.GetByText("Choose images")).ToBeVisibleAsync();
        await Expect(page.GetByText("Training a first model")).ToBeHiddenAsync();
    }

    [SkippableFact]
    public async Task SaysThatItIsUnsure()
    {
        var page = await OpenAsync();
        await page.RouteAsync("**/model", async route =>
        {
            var answer = await route.FetchAsync();
            var body = (await answer.TextAsync()).Replace("\"unsureBelow\":0", "\"unsureBelow\":0.9");
            await route.FulfillAsync(new() { Body = body, Response = answer });
        });
        await page.RouteAsync("**/predict", async route =>
        {
            var answer = await route.FetchAsync();
            var body = (await answer.TextAsync()).Replace("\"unsure\":false", "\"unsure\":true");
            await route.FulfillAsync(new() { Body = body, Response = answer });
        });
        await page.ReloadAsync();
        await Expect(page.GetByText("Choose images")).ToBeVisibleAsync();

        await page.GetByLabel("Choose images").SetInputFilesAsync(
            [Payload("odd.png", TestImages.Png(1)), Payload("notes.png", "no image"u8.ToArray())]);

        await Expect(Card(page, "odd.png").Locator(".unsure")).ToHaveTextAsync("Unsure: no class reaches 90.0%");
        await Expect(Card(page, "odd.png").Locator(".label")).ToHaveCountAsync(5);
        await Expect(Card(page, "notes.png").Locator(".unsure")).ToBeHiddenAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("odd.png: unsure, perhaps ");
        await SaveScreenshotAsync(page, "unsure");
    }

    [SkippableFact]
    public async Task ComesAgainWhenTheServiceHasTooMuchToDo()
    {
        var page = await OpenAsync();
        var sent = 0;
        await page.RouteAsync("**/predict", route => ++sent == 1
            ? route.FulfillAsync(new()
            {
                Status = 429,
                Headers = new Dictionary<string, string> { ["Retry-After"] = "0.1" },
                ContentType = "application/problem+json",
                Body = "{}",
            })
            : route.ContinueAsync());

        await page.GetByLabel("Choose images").SetInputFilesAsync(Payload("patient.png", TestImages.Png(1)));

        await Expect(Card(page, "patient.png").Locator(".label")).ToHaveCountAsync(5);
        Assert.Equal(2, sent);
    }

    [SkippableTheory]
    [InlineData("light", ColorScheme.Light, 1200, 900, false)]
    [InlineData("dark", ColorScheme.Dark, 1200, 900, false)]
    [InlineData("phone", ColorScheme.Light, 360, 740, true)]
    [InlineData("phone-dark", ColorScheme.Dark, 360, 740, true)]
    public async Task IsReadableOnEveryScreen(string name, ColorScheme colours, int width, int height, bool isPhone)
    {
        var page = await OpenAsync(colours, width, height, isPhone);
        await SaveScreenshotAsync(page, $"{name}-empty");
        await page.GetByLabel("Choose images").SetInputFilesAsync(
            [
                .. Enumerable.Range(0, 4).Select(i => Payload($"a name that is rather long for a card, {i}.png", TestImages.Png(i))),
                Payload("notes.txt", "no image"u8.ToArray()),
            ]);
        await Expect(page.Locator("[aria-busy]")).ToHaveCountAsync(0);
        await SaveScreenshotAsync(page, name);

        Assert.Equal(width, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.Empty(await page.Locator(".card *").EvaluateAllAsync<string[]>(
            "all => all.filter(each => each.getBoundingClientRect().right > each.closest('.card').getBoundingClientRect().right)"
            + ".map(each => each.outerHTML)"));
        var luminance = await page.EvaluateAsync<double>(
            "Math.max(...getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).map(Number))");
        Assert.Equal(colours == ColorScheme.Light, luminance > 200);
        foreach (var text in new[] { "h1", "#subtitle", ".card h3", ".scores li:first-child .label", ".scores li:last-child .percent",
            ".card .error", "#clear", ".button", "#accepted", "#model", "footer a" })
        {
            var contrast = await page.Locator(text).First.EvaluateAsync<double>(Contrast);
            Assert.True(contrast >= 4.5, $"The contrast of '{text}' is {contrast:f2}, but must be 4.5 (WCAG 2.2, criterion 1.4.3).");
        }
    }

    // Of a text's colour with the nearest background behind it (WCAG 2.2, "contrast ratio").
    private const string Contrast = """
        element => {
          const canvas = document.createElement('canvas').getContext('2d');
          const luminance = colour => {
            canvas.clearRect(0, 0, 1, 1);
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
            const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(value => value / 255)
        """ + """
        .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          let behind = element;
          while (getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)') behind = behind.parentElement;
          const [dark, light] = [luminance(getComputedStyle(element).color), luminance(getComputedStyle(behind).backgroundColor)]
        """ + """
        .sort((a, b) => a - b);
          return (light + 0.05) / (dark + 0.05);
        }
        """;

    private async Task<IPage> OpenAsync(ColorScheme colours = ColorScheme.Light, int width = 1200, int height = 900, bool isPhone = false)
    {
        var page = await chromium.OpenAsync(fixture.Service.Url, colours, width, height, isPhone);
        await Expect(page.GetByText("Choose images")).ToBeVisibleAsync();
        return page;
    }

    private static ILocator Card(IPage page, string name) =>
        page.Locator(".card").Filter(new() { Has = page.GetByRole(AriaRole.Heading, new() { Name = name, Exact = true }) });

    private static FilePayload Payload(string name, byte[] content) => new() { Name = name, MimeType = "image/png", Buffer = content };

    // For people to look at.
    private static Task SaveScreenshotAsync(IPage page, string name) =>
        page.ScreenshotAsync(new() { Path = Path.Combine(Repository.Root, "artifacts", "webapp", $"{name}.png"), FullPage = true });
}
