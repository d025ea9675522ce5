using System.Text.RegularExpressions;
using Deque.AxeCore.Playwright;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.Playwright;
using Studio.Tests.Hosting;
using WebApp.Tests.Page;
using static Microsoft.Playwright.Assertions;

namespace Studio.Tests.Page;

/// <summary>What a person does, from the first image to the model, in a browser.</summary>
public sealed class StoryTests(Chromium chromium) : IClassFixture<Chromium>, IDisposable
{
    private const string Drop = """
        ([selector, files]) => {
          const transfer = new DataTransfer();
          for (const [name, content] of files) transfer.items.add(new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))]
        """ + """
        , name, { type: 'image/png' }));
          const target = [...document.querySelectorAll('.class')].find(each => each.textContent.startsWith(selector));
          target.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }
        """;

    private const string Paste = """
        content => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], 'pasted.png', { type: 'image/png' }));
          document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true }));
        }
        """;

    private static readonly string[] s_steps = ["data", "train", "evaluate", "correct", "use"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public async Task FromTheFirstImageToAModelThatAnotherProgramUses()
    {
        await using var studio = await TestStudio.StartAsync(_folder["p"]);
        var page = await chromium.OpenAsync(studio.Address, ColorScheme.Light, 1280, 900, isPhone: false);
        var complaints = new List<string>();
        page.Console += (_, message) => complaints.Add($"{message.Type}: {message.Text}");
        page.PageError += (_, error) => complaints.Add(error);
        await Expect(page.GetByText("Start with your pictures")).ToBeVisibleAsync();
        await LookAsync(page, "1-empty");

        // Images: two classes, files dropped into each; some stars among the circles.
        await NewClassAsync(page, "Make an empty class", "circle");
        await NewClassAsync(page, "New class", "star");
        var (circles, stars) = (Drawn.Pictures("circle", 60), Drawn.Pictures("star", 72));
        await DropAsync(page, "circle", [.. Named("circle", circles), .. Named("odd", stars[60..])]);
        await Expect(Class(page, "circle")).ToContainTextAsync("72 images");
        await DropAsync(page, "star", Named("star", stars[..60]));
        await Expect(Class(page, "star")).ToContainTextAsync("60 images");
        await Expect(page.GetByText("All 132 images can be read")).ToBeVisibleAsync();
        await LookAsync(page, "1-data");

        // Training: the curve grows, is stopped, is there after a reload, goes on.
        await StepAsync(page, "Train");
        await Expect(page.Locator(".estimate b")).ToContainTextAsync("About");
        await page.GetByText("Advanced").ClickAsync();
        await page.GetByLabel("Epochs").FillAsync("40");
        await page.GetByRole(AriaRole.Button, new() { Name = "Start training" }).ClickAsync();
        await Expect(page.Locator("#figures")).ToContainTextAsync("of 40");
        var early = await page.GetByRole(AriaRole.Progressbar).EvaluateAsync<double>("bar => bar.value");
        await page.WaitForFunctionAsync("early => document.querySelector('#progress').value > early + 0.05", early);
        await Expect(page.Locator(".samples li")).ToHaveCountAsync(8);
        var guess = await page.Locator(".samples polyline").First.GetAttributeAsync("points");
        await page.WaitForFunctionAsync("guess => document.querySelector('.samples polyline').getAttribute('points') !== guess", guess);
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop", Exact = true }).ClickAsync();
        await Expect(page.Locator("#state")).ToHaveTextAsync("Stopped");
        await page.ReloadAsync();
        await Expect(page.Locator("#state")).ToHaveTextAsync("Stopped");
        await Expect(page.Locator(".u-wrap")).ToHaveCountAsync(2);
        await page.GetByRole(AriaRole.Button, new() { Name = "Go on" }).ClickAsync();
        await LookAsync(page, "2-train"); // not before the stop: all epochs would be over
        await Expect(page.Locator("#state")).ToHaveTextAsync("Done", new() { Timeout = 60_000 });

        // Evaluation: a cell opens its images, and one of them shows where the network looked.
        await page.GetByRole(AriaRole.Link, new() { Name = "See how good it is" }).ClickAsync();
        await Expect(page.Locator(".big")).ToContainTextAsync("%");
        await LookAsync(page, "3-evaluate");
        await page.GetByLabel("circle taken for circle").ClickAsync();
        await page.Locator("dialog .gallery button").First.ClickAsync();
        await Expect(page.GetByAltText("What speaks for circle")).ToBeVisibleAsync();
        Assert.True(await page.GetByAltText("What speaks for circle")
            .EvaluateAsync<bool>("async image => { await image.decode(); return image.naturalWidth > 0; }"));
        await Expect(page.Locator("#viewer-body > p"))
            .ToHaveTextAsync(new Regex(@"^Its folder says circle, and so does the network, with [0-9.]+ %\.$"));
        Assert.DoesNotContain("null", await page.Locator("#viewer-body").InnerTextAsync());
        await page.Keyboard.PressAsync("Escape");

        // Correction: with keys. Stars among circles are asked about.
        await StepAsync(page, "Correct");
        await page.GetByRole(AriaRole.Button, new() { Name = "Find likely wrong labels" }).ClickAsync();
        await Expect(page.Locator("#doubt-title")).ToBeVisibleAsync();
        await LookAsync(page, "4-correct");
        var name = await page.Locator("#doubt-title").TextContentAsync();
        Assert.StartsWith("odd", name);
        await page.Keyboard.PressAsync("m");
        await Expect(page.Locator("#toast")).ToContainTextAsync("Moved to star");
        Assert.True(File.Exists(_folder[$"p/star/{name}"]));

        // Data again: an image is moved, and moved back.
        await StepAsync(page, "Data");
        await page.Locator(".tile button").First.ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Move", Exact = true }).ClickAsync();
        await Expect(Class(page, "circle")).ToContainTextAsync("70 images");
        await page.Keyboard.PressAsync("Control+z");
        await Expect(Class(page, "circle")).ToContainTextAsync("71 images");

        // Training again, from the weights that there are.
        await StepAsync(page, "Train");
        await page.GetByLabel("Start from").SelectOptionAsync("run-1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Start training" }).ClickAsync();
        await Expect(page.Locator("#live-title")).ToHaveTextAsync("run-2");
        await Expect(page.Locator("#state")).ToHaveTextAsync("Done", new() { Timeout = 60_000 });

        // Use: an image is tried; the model goes home, and another program says the same.
        await StepAsync(page, "Use");
        await page.GetByLabel("Choose images").SetInputFilesAsync(new FilePayload { Name = "new.png", MimeType = "image/png",
            Buffer = stars[3] });
        await Expect(page.Locator(".results ol li").First).ToContainTextAsync("star");
        await page.EvaluateAsync(Paste, Convert.ToBase64String(circles[3]));
        await Expect(page.Locator(".results ol li").First).ToContainTextAsync("circle");
        var code = await page.Locator("pre").TextContentAsync() ?? "";
        var additions = code.Split('\n').Where(line => line.StartsWith("// dotnet add package ", StringComparison.Ordinal)).ToArray();
        Assert.Equal(4, additions.Length);
        Assert.All(additions, line => Assert.Equal(5, line.Split(' ').Length)); // the command takes one package
        await LookAsync(page, "5-use");
        var download = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Link, new() { Name = "model.zip", Exact = true })
            .ClickAsync());
        await download.SaveAsAsync(_folder["home.zip"]);
        var consumed = SampleProcess.RunSample("Consume", _folder["home.zip"], _folder["p/star/star 1.png"]).Succeeded().Output;
        Assert.Equal("star", consumed.Split('\t')[1]);
        Assert.DoesNotContain(complaints, complaint => complaint.Contains("Content Security Policy") || complaint.StartsWith("error"));

        await EveryScreenAsync(studio);
    }

    [SkippableFact]
    public async Task NamesAreTextWhateverTheyHold()
    {
        const string name = "it's & that";
        Drawn.Project(_folder["p"], 2, "star");
        Directory.CreateDirectory(_folder[$"p/{name}"]);
        File.WriteAllBytes(_folder[$"p/{name}/&lt;img src=x&gt; 100% #1.png"], Drawn.Pictures("circle", 1)[0]);
        await using var studio = await TestStudio.StartAsync(_folder["p"]);
        var page = await chromium.OpenAsync(studio.Address, ColorScheme.Light, 1280, 900, isPhone: false);

        await Expect(Class(page, name)).ToBeVisibleAsync();
        await Expect(page.GetByLabel("&lt;img src=x&gt; 100% #1.png")).ToBeVisibleAsync();
        Assert.True(await page.Locator(".tile img")
            .First.EvaluateAsync<bool>("async image => { await image.decode(); return image.naturalWidth > 0; }"));
        Assert.Equal(0, await page.Locator("img[src=x]").CountAsync());
    }

    [SkippableFact]
    public async Task AStudioThatHasEndedIsSaidWhereItIsSeen()
    {
        Drawn.Project(_folder["p"], 30, "circle", "star");
        var studio = await TestStudio.StartAsync(_folder["p"]);
        var page = await chromium.OpenAsync(studio.Address, ColorScheme.Light, 1000, 400, isPhone: false);
        await Expect(page.GetByText("All 60 images can be read")).ToBeVisibleAsync();

        await studio.DisposeAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToBeInViewportAsync();

        await page.EvaluateAsync("scrollTo(0, document.body.scrollHeight)");
        await Expect(page.GetByRole(AriaRole.Alert)).ToBeInViewportAsync();
    }

    private async Task EveryScreenAsync(TestStudio studio)
    {
        foreach (var (name, colours, width, height, isPhone) in new[]
        {
            ("dark", ColorScheme.Dark, 1280, 900, false), ("phone-dark", ColorScheme.Dark, 360, 740, true),
        })
        {
            var page = await chromium.OpenAsync(studio.Address, colours, width, height, isPhone);
            foreach (var step in s_steps)
            {
                await page.GotoAsync($"{studio.Address}#{step}");
                await Expect(page.Locator($"#steps a[href='#{step}'][aria-current]")).ToBeVisibleAsync();
                await page.WaitForFunctionAsync("() => document.querySelector('main').children.length > 0");
                await page.WaitForTimeoutAsync(400);
                await PictureAsync(page, $"{name}-{step}");
                if (isPhone)
                {
                    await CheckAccessibilityAsync(page, $"{name}-{step}"); // light and wide: on the way
                }

                Assert.Equal(width, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
            }

            await page.CloseAsync();
        }
    }

    // For people to look at; and what those who cannot see need is there.
    private static async Task LookAsync(IPage page, string name)
    {
        await PictureAsync(page, name);
        await CheckAccessibilityAsync(page, name);
    }

    private static Task PictureAsync(IPage page, string name) =>
        page.ScreenshotAsync(new() { Path = Path.Combine(Repository.Root, "artifacts", "studio", $"{name}.png"), FullPage = true });

    private static async Task CheckAccessibilityAsync(IPage page, string name)
    {
        var result = await page.RunAxe();
        Assert.True(result.Violations.Length == 0, string.Join('\n', result.Violations.SelectMany(violation =>
            violation.Nodes.Select(node => $"{name}: {violation.Id}: {violation.Help}: {node.Html}"))));
    }

    private static async Task NewClassAsync(IPage page, string button, string name)
    {
        await page.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
        await page.GetByLabel("Name").FillAsync(name);
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(Class(page, name)).ToBeVisibleAsync();
    }

    private static Task StepAsync(IPage page, string name) =>
        page.GetByRole(AriaRole.Navigation).GetByRole(AriaRole.Link, new() { Name = name }).ClickAsync();

    private static ILocator Class(IPage page, string name) => page.Locator(".class").Filter(new() { HasText = name });

    private static object[][] Named(string name, byte[][] pictures) =>
        [.. pictures.Select((picture, index) => new object[] { $"{name} {index + 1}.png", Convert.ToBase64String(picture) })];

    private static Task DropAsync(IPage page, string className, object[][] files) => page.EvaluateAsync(Drop, new object[] { className,
        files });
}
