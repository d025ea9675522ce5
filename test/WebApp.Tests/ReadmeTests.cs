using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.TestSupport;
using WebApp.Tests.Hosting;

namespace WebApp.Tests;

/// <summary>Types the commands of the service's page, in a folder that has the files which they name.</summary>
public sealed partial class ReadmeTests : IDisposable
{
    // Of a page's text, only this is replaced: where the repository is, which has been built, and ports that may be taken.
    private const string Run = "dotnet run -c Release --project samples/WebApp";
    private const string Address = "http://localhost:5000";

    private static readonly string Readme = File.ReadAllText(Path.Combine(Repository.Root, "samples", "WebApp", "README.md"));
    private static readonly string[] Commands =
    [
        .. BashPattern().Matches(Readme).SelectMany(block => block.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
    ];

    private readonly TemporaryFolder _folder = new();

    public ReadmeTests()
    {
        TestModel.Save(_folder["model.zip"]);
        Pictures.Write(_folder["path/to/images"], perClass: 1, height: 16, width: 16);
        File.WriteAllBytes(_folder["picture.jpg"], TestImages.Jpeg(1));
        File.WriteAllBytes(_folder["one.png"], TestImages.Png(1));
        File.WriteAllBytes(_folder["two.jpg"], TestImages.Jpeg(2));
    }

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public async Task EveryWayToStartItStartsItAndEveryQuestionIsAnswered()
    {
        Skip.If(OperatingSystem.IsWindows() || !IsInstalled("curl"), "The page's commands are typed into bash, and use curl.");
        var starts = Commands.Where(command => command.StartsWith(Run, StringComparison.Ordinal)).ToArray();
        var questions = Commands.Where(command => command.StartsWith("curl ", StringComparison.Ordinal)).ToArray();
        Assert.Equal(4, starts.Length);
        Assert.Equal(6, questions.Length);
        var others = Commands.Except([.. starts, .. questions]);
        Assert.All(others, command => Assert.Contains("wrk ", command)); // which is not on every machine

        for (var i = 0; i < starts.Length; i++)
        {
            using var service = Start(starts[i]);
            try
            {
                var url = await WaitUntilReadyAsync(service);
                foreach (var question in i == 0 ? questions : questions[^2..^1])
                {
                    Ask(question, url);
                }
            }
            finally
            {
                service.Kill(entireProcessTree: true);
                await service.WaitForExitAsync();
            }
        }
    }

    [Fact]
    public async Task AnAnswerHasTheFieldsThatThePageShows()
    {
        var shown = JsonSerializer.Deserialize<JsonElement>(JsonPattern().Match(Readme).Groups[1].Value);
        await using var service = await TestService.StartReadyAsync(_folder["model.zip"]);

        var answer = await Answers.JsonAsync(await service.PostAsync(TestImages.Png(1), "predict?top=3"));

        Assert.Equal(Names(shown), Names(answer));
        Assert.Equal(
            shown.GetProperty("predictions").EnumerateArray().Select(Names),
            answer.GetProperty("predictions").EnumerateArray().Select(Names));
    }

    [Fact]
    public void EveryOptionHasItsRow()
    {
        var rows = RowPattern().Matches(Readme).Select(row => row.Groups[1].Value);

        var options = typeof(ServiceOptions).GetProperties().Where(property => property.CanWrite).Select(property => property.Name);
        Assert.Equal(options.Order(), rows.Order());
    }

    private static string[] Names(JsonElement element) => [.. element.EnumerateObject().Select(property => property.Name)];

    private static bool IsInstalled(string program) => SampleProcess.Run("sh", ["-c", $"command -v {program}"]).ExitCode == 0;

    private Process Start(string command)
    {
        var built = command
            .Replace(Run, $"exec dotnet run --no-build -c {SampleProcess.Configuration} --project '{Repository.Root}/samples/WebApp'")
            .Replace(":8080", ":0");
        var start = new ProcessStartInfo("bash", ["-c", built])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder.Path,
        };
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        if (!command.Contains("--model"))
        {
            start.Environment["Classifier__Model"] = "model.zip"; // else it trains one first: see FirstStartTests
        }

        return Process.Start(start)!;
    }

    private static async Task<string> WaitUntilReadyAsync(Process service)
    {
        var errors = service.StandardError.ReadToEndAsync();
        var (url, isLoaded) = (default(string), false);
        while (url is null || !isLoaded)
        {
            var line = await service.StandardOutput.ReadLineAsync();
            Assert.True(line is not null, line is null ? await errors : "");
            url ??= AddressPattern().Match(line!) is { Success: true } match ? $"http://127.0.0.1:{match.Groups[1].Value}" : null;
            isLoaded |= line!.Contains("Loaded model");
        }

        _ = service.StandardOutput.ReadToEndAsync();
        return url;
    }

    private void Ask(string question, string url)
    {
        Assert.Contains(Address, question);
        var script = $"curl() {{ command curl --silent --show-error --fail-with-body \"$@\"; }}; {question.Replace(Address, url)}";

        var answer = SampleProcess.Run("bash", ["-c", script], folder: _folder.Path).Succeeded().Json;

        if (question.Contains("/predict/batch?top=1"))
        {
            var images = answer.GetProperty("images").EnumerateArray();
            Assert.Equal([1, 1], images.Select(image => image.GetProperty("predictions").GetArrayLength()));
        }
        else if (question.Contains("/predict"))
        {
            Assert.Equal(question.Contains("top=3") ? 3 : 5, answer.GetProperty("predictions").GetArrayLength());
        }
        else
        {
            var expected = question.Contains("/model") ? "classes" : question.Contains("/health") ? "status" : "paths";
            Assert.Contains(expected, Names(answer));
        }
    }

    [GeneratedRegex(@"^```bash\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex BashPattern();

    [GeneratedRegex(@"^```json\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex JsonPattern();

    [GeneratedRegex(@"^\| `([A-Z]\w+)`", RegexOptions.Multiline)]
    private static partial Regex RowPattern();

    [GeneratedRegex(@"Now listening on: http://[^:]+:(\d+)")]
    private static partial Regex AddressPattern();
}
