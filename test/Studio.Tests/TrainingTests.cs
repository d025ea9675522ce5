using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.ML.ResNet.TestSupport;
using Studio.Tests.Hosting;

namespace Studio.Tests;

public sealed class TrainingTests : IDisposable
{
    private static readonly object s_quick = new { preset = "quick", start = "nothing", epochs = 6 };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // From images to a model that a program without this library uses.
    [Fact]
    public async Task ARunTrainsTestsAndIsTakenHome()
    {
        Drawn.Project(_folder["p"], 60, "circle", "star");
        await using var studio = await TestStudio.StartAsync(_folder["p"]);
        var estimate = await studio.PostAsync("estimate", s_quick);
        Assert.InRange(estimate.GetProperty("seconds").GetDouble(), 0.05, 120);

        var id = (await studio.PostAsync("runs", s_quick)).GetProperty("id").GetString();
        var done = await DoneAsync(studio, id!);
        Assert.Equal("done", done.GetProperty("state").GetString());
        Assert.Equal(120, done.GetProperty("trainingImages").GetInt32() + done.GetProperty("validationImages").GetInt32()
            + done.GetProperty("testImages").GetInt32());
        var points = (await studio.GetAsync($"runs/{id}")).GetProperty("points").EnumerateArray().ToArray();
        Assert.Equal(6, points.Count(point => point.GetProperty("endsEpoch").GetBoolean()));

        // What it says of images that it does not learn from is told with each epoch, and changes.
        var samples = points.Where(point => point.GetProperty("endsEpoch").GetBoolean())
            .Select(point => point.GetProperty("samples").EnumerateArray().ToArray()).ToArray();
        Assert.All(samples, each => Assert.Equal(8, each.DistinctBy(sample => sample.GetProperty("image").GetString()).Count()));
        Assert.All(samples[^1], sample =>
            Assert.StartsWith($"{sample.GetProperty("class")}/", sample.GetProperty("image").GetString()));
        Assert.Equal(2, samples[0].DistinctBy(sample => sample.GetProperty("class").GetString()).Count());
        Assert.NotEqual(Sureness(samples[0]), Sureness(samples[^1]));
        Assert.All(points.Where(point => !point.GetProperty("endsEpoch").GetBoolean()), point =>
            Assert.Equal(JsonValueKind.Null, point.GetProperty("samples").ValueKind));

        var evaluation = await studio.GetAsync($"runs/{id}/evaluation");
        var accuracy = evaluation.GetProperty("accuracy");
        Assert.InRange(accuracy.GetProperty("value").GetDouble(), accuracy.GetProperty("low").GetDouble(), accuracy.GetProperty("high")
            .GetDouble());
        Assert.Equal(done.GetProperty("testImages").GetInt32(), evaluation.GetProperty("perClass").EnumerateArray().Sum(each =>
            each.GetProperty("images").GetInt32()));
        var cell = await studio.GetAsync($"runs/{id}/cell?class=circle&predicted=circle");
        Assert.Equal(evaluation.GetProperty("perClass")[0].GetProperty("correct").GetInt32(), cell.GetArrayLength());
        var image = cell[0].GetProperty("image").GetString()!;
        using var heat = await studio.Client.GetAsync($"api/runs/{id}/heatmap?image={Uri.EscapeDataString(image)}");
        Assert.Equal("image/png", heat.Content.Headers.ContentType!.MediaType);

        // The file that was taken home says what the studio says.
        var model = await DownloadAsync(studio, id!, "model.zip");
        var file = _folder[$"p/{image}"];
        var answer = await (await studio.Client.PostAsync($"api/runs/{id}/predict", new ByteArrayContent(File.ReadAllBytes(file)))).Content
            .ReadFromJsonAsync<JsonElement>();
        Assert.Equal("circle", answer[0].GetProperty("label").GetString());
        var consumed = SampleProcess.RunSample("Consume", model, file).Succeeded().Output.Split('\t');
        Assert.Equal("circle", consumed[1]);
        var score = float.Parse(consumed[2].Split(' ').Single(each => each.StartsWith("circle=")).Split('=')[1],
            System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(answer[0].GetProperty("probability").GetSingle(), score, 1e-4f);

        foreach (var name in (string[])["model.onnx", "model-int8.onnx", "model-int8.zip", "model.safetensors", "report.html"])
        {
            Assert.True(new FileInfo(await DownloadAsync(studio, id!, name)).Length > 10_000, name);
        }

        var small = SampleProcess.RunSample("Consume", await DownloadAsync(studio, id!, "model-int8.zip"), file).Succeeded()
            .Output.Split('\t');
        Assert.Equal("circle", small[1]);
        CheckProject(await DownloadAsync(studio, id!, "project.zip"));
        await CheckServiceAsync(await DownloadAsync(studio, id!, "service.zip"), file, score);
        using var report = await studio.Client.GetAsync($"api/runs/{id}/download/report.html");
        Assert.Equal("attachment", report.Content.Headers.ContentDisposition!.DispositionType);
    }

    // A label that a person turned is among those that are asked about; one that was looked at is not asked about again.
    [Fact]
    public async Task AWrongLabelIsFoundAndMovedAndTheNextRunGoesOnFromTheWeights()
    {
        Drawn.Project(_folder["p"], 60, "circle", "star");
        await using var studio = await TestStudio.StartAsync(_folder["p"]);
        var id = (await studio.PostAsync("runs", new { preset = "quick", start = "nothing", epochs = 10 })).GetProperty("id").GetString();
        await DoneAsync(studio, id!);
        File.Move(_folder["p/star/star 0003.png"], _folder["p/circle/star 0003.png"]);
        File.Move(_folder["p/circle/circle 0007.png"], _folder["p/star/circle 0007.png"]);

        var found = await studio.PostAsync($"runs/{id}/labels");
        var images = found.GetProperty("labels").EnumerateArray().ToDictionary(each => each.GetProperty("image").GetString()!);
        Assert.Contains("circle/star 0003.png", images.Keys);
        Assert.Equal("star", images["circle/star 0003.png"].GetProperty("suggested").GetString());
        await studio.PostAsync("labels/keep", new { image = "star/circle 0007.png" });
        await studio.PostAsync("images/move", new { images = new[] { "circle/star 0003.png" }, @class = "star" });

        var again = await studio.PostAsync($"runs/{id}/labels");
        Assert.DoesNotContain("0003", again.ToString());
        Assert.DoesNotContain("0007", again.ToString());
        var next = await studio.PostAsync("runs", new { preset = "quick", start = id, epochs = 2 });
        Assert.Equal("All", next.GetProperty("settings").GetProperty("layers").GetString());
        Assert.Equal("done", (await DoneAsync(studio, next.GetProperty("id").GetString()!)).GetProperty("state").GetString());
    }

    [Fact]
    public async Task ARunIsStoppedAndGoesOnWhereItWas()
    {
        Drawn.Project(_folder["p"], 60, "circle", "star");
        await using var studio = await TestStudio.StartAsync(_folder["p"]);
        var id = (await studio.PostAsync("runs", new { preset = "quick", start = "nothing", epochs = 60 })).GetProperty("id").GetString();
        await studio.UntilAsync($"runs/{id}", each => each.GetProperty("points").EnumerateArray().Any(point => point.GetProperty("epoch")
            .GetInt32() >= 4));
        using var second = await studio.Client.PostAsJsonAsync("api/runs", s_quick);
        Assert.Equal(HttpStatusCode.Conflict, second.StatusCode);

        await studio.PostAsync("stop");
        var stopped = await studio.UntilAsync($"runs/{id}", each => each.GetProperty("run").GetProperty("state").GetString() == "stopped");
        var reached = stopped.GetProperty("points").EnumerateArray().Last().GetProperty("step").GetInt64();
        await studio.PostAsync($"runs/{id}/go-on");
        var on = await studio.UntilAsync($"runs/{id}", each =>
            each.GetProperty("points").EnumerateArray().Last().GetProperty("step").GetInt64() > reached);
        await studio.PostAsync("stop");

        var steps = on.GetProperty("points").EnumerateArray().Where(point => point.GetProperty("endsEpoch").GetBoolean())
            .Select(point => point.GetProperty("epoch").GetInt32()).ToArray();
        Assert.Equal(steps.Distinct().Order(), steps);
    }

    // Killed, it has no time to write anything down.
    [Fact]
    public async Task ARunGoesOnWhenTheServerWasKilledAndIsStartedAgain()
    {
        Drawn.Project(_folder["p"], 60, "circle", "star");
        using var client = new HttpClient();
        var (first, address) = Launch();
        using (first)
        {
            using var started = await client.PostAsJsonAsync($"{address}api/runs", new { preset = "quick", start = "nothing",
                epochs = 40 });
            started.EnsureSuccessStatusCode();
            await EpochAsync(client, address, 5);
            first.Kill(entireProcessTree: true);
            first.WaitForExit();
        }

        var before = File.ReadAllLines(_folder["p/runs/run-1/progress.jsonl"]).Length;
        var (second, again) = Launch();
        using (second)
        {
            var epochs = await EpochAsync(client, again, 12);
            second.Kill(entireProcessTree: true);
            second.WaitForExit();

            Assert.Equal(Enumerable.Range(1, epochs.Max()), epochs);
            Assert.Contains("\"state\": \"training\"", File.ReadAllText(_folder["p/runs/run-1/run.json"]));
            var added = File.ReadLines(_folder["p/runs/run-1/progress.jsonl"]).Skip(before)
                .Select(line => JsonSerializer.Deserialize<JsonElement>(line).GetProperty("epoch").GetInt32());
            Assert.True(added.Min() > 2, "It began anew.");
        }
    }

    [Fact]
    public async Task WhatCannotBeTrainedSaysWhy()
    {
        Drawn.Project(_folder["p"], 4, "circle");
        await using var studio = await TestStudio.StartAsync(_folder["p"]);

        using var one = await studio.Client.PostAsJsonAsync("api/runs", s_quick);
        Drawn.Project(_folder["p"], 4, "star");
        using var preset = await studio.Client.PostAsJsonAsync("api/runs", new { preset = "magic", start = "nothing" });
        using var epochs = await studio.Client.PostAsJsonAsync("api/runs", new { preset = "quick", start = "nothing", epochs = 0 });
        using var start = await studio.Client.PostAsJsonAsync("api/runs", new { preset = "quick", start = "run-7" });

        Assert.Contains("at least two classes", await one.Content.ReadAsStringAsync());
        Assert.Contains("quick, better, best", await preset.Content.ReadAsStringAsync());
        Assert.Contains("must be 1 to", await epochs.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.NotFound, start.StatusCode);
        Assert.Empty((await studio.GetAsync("runs")).EnumerateArray());
    }

    private static float[] Sureness(JsonElement[] samples) =>
        [.. samples.Select(sample => sample.GetProperty("classProbability").GetSingle())];

    // No pretrained network lies beside the tests: a person with no code is told what to do.
    [SkippableFact]
    public async Task WithoutAPretrainedNetworkThePageSaysWhatToDo()
    {
        await using var studio = await TestStudio.StartAsync(_folder["p"]);
        var training = await studio.GetAsync("training");
        Skip.If(training.GetProperty("hasPretrained").GetBoolean(), "This machine has pretrained weights in its cache");
        var words = training.GetProperty("pretrainedProblem").GetString()!;

        Assert.Contains("“resnet inspect resnet18.imagenet1k_v1”", words);
        Assert.All(["package", "ResNetWeights", "(\"", "exception"], word => Assert.DoesNotContain(word, words));
        Assert.Equal("nothing", training.GetProperty("recommendedStart").GetString());
    }

    private static void CheckProject(string path)
    {
        using var zip = ZipFile.OpenRead(path);
        var names = zip.Entries.Select(entry => entry.FullName).ToArray();
        Assert.Contains("ImageClassifier/MLModel.mlnet", names);
        Assert.Contains("ImageClassifier/MLModel.consumption.cs", names);
        foreach (var entry in zip.Entries.Where(entry => !entry.Name.EndsWith(".mlnet")))
        {
            using var reader = new StreamReader(entry.Open());
            var text = reader.ReadToEnd();
            Assert.DoesNotContain("#if", text);
            Assert.DoesNotContain("QuickStart", text);
            Assert.DoesNotContain("_VERSION", text);
            Assert.DoesNotContain("../", text);
        }
    }

    // It builds, and says what the studio says. The package of this library is none yet: the project stands in for it.
    private async Task CheckServiceAsync(string path, string image, float score)
    {
        ZipFile.ExtractToDirectory(path, _folder["unzipped"]);
        var project = _folder["unzipped/ImageService"];
        Assert.Contains("They are not published yet", File.ReadAllText(Path.Combine(project, "README.md")));
        var library = Path.Combine(Repository.Root, "src", "Microsoft.ML.ResNet", "Microsoft.ML.ResNet.csproj");
        Assert.Contains("<PackageReference Include=\"Microsoft.ML.ResNet\" Version=", File.ReadAllText(Path.Combine(project,
            "ImageService.csproj")));
        File.WriteAllText(Path.Combine(project, "Directory.Build.targets"), $"""
            <Project>
              <ItemGroup>
                <PackageReference Remove="Microsoft.ML.ResNet" />
                <ProjectReference Include="{library}" />
              </ItemGroup>
            </Project>
            """);
        string[] build =
        [
            "build", "-c", SampleProcess.Configuration, "--nologo", "-v", "q", "-nodeReuse:false", "-p:UseSharedCompilation=false",
            "-p:BuildProjectReferences=false", // it was built before the tests
        ];
        SampleProcess.Run("dotnet", build, folder: project).Succeeded();
        using var service = Process.Start(new ProcessStartInfo("dotnet",
            [Path.Combine(project, "bin", SampleProcess.Configuration, "net10.0", "ImageService.dll"), "--urls", "http://127.0.0.1:0"])
        {
            RedirectStandardOutput = true,
        })!;
        try
        {
            var line = "";
            while (!line.Contains("listening on", StringComparison.Ordinal))
            {
                line = await service.StandardOutput.ReadLineAsync() ?? throw new IOException("The service ended.");
            }

            using var client = new HttpClient { BaseAddress = new Uri(line[line.IndexOf("http", StringComparison.Ordinal)..]) };
            for (var end = Environment.TickCount64 + 30_000; Environment.TickCount64 < end; await Task.Delay(100))
            {
                using var health = await client.GetAsync("health");
                if (health.IsSuccessStatusCode)
                {
                    break;
                }
            }

            using var answer = await client.PostAsync("predict", new ByteArrayContent(File.ReadAllBytes(image)));
            var best = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("predictions")[0];
            Assert.Equal("circle", best.GetProperty("label").GetString());
            Assert.Equal(score, best.GetProperty("probability").GetSingle(), 1e-3f);
        }
        finally
        {
            service.Kill(entireProcessTree: true);
            await service.WaitForExitAsync();
        }
    }

    private async Task<string> DownloadAsync(TestStudio studio, string id, string file)
    {
        var content = await studio.Client.GetByteArrayAsync($"api/runs/{id}/download/{file}");
        File.WriteAllBytes(_folder[file], content);
        return _folder[file];
    }

    private static async Task<JsonElement> DoneAsync(TestStudio studio, string id)
    {
        var answer = await studio.UntilAsync($"runs/{id}", each =>
            each.GetProperty("run").GetProperty("state").GetString() is "done" or "failed" or "stopped");
        return answer.GetProperty("run");
    }

    private (Process Process, string Address) Launch()
    {
        var start = new ProcessStartInfo("dotnet", [SampleProcess.Assembly("Studio"), _folder["p"],
            "--no-browser"]) { RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        var line = process.StandardOutput.ReadLine() ?? "";
        return (process, line[line.IndexOf("http", StringComparison.Ordinal)..]);
    }

    private static async Task<int[]> EpochAsync(HttpClient client, string address, int epoch)
    {
        for (var end = Environment.TickCount64 + 60_000; Environment.TickCount64 < end; await Task.Delay(50))
        {
            var run = await client.GetFromJsonAsync<JsonElement>($"{address}api/runs/run-1");
            int[] ended = [.. run.GetProperty("points").EnumerateArray().Where(point => point.GetProperty("endsEpoch").GetBoolean())
                .Select(point => point.GetProperty("epoch").GetInt32())];
            if (ended.Length > 0 && ended[^1] >= epoch)
            {
                return ended;
            }
        }

        throw new TimeoutException($"The run did not reach epoch {epoch}.");
    }
}
