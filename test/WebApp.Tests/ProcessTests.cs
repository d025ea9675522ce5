using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.ML.ResNet.TestSupport;
using WebApp.Tests.Hosting;

namespace WebApp.Tests;

/// <summary>The service in a process of its own, as it is deployed.</summary>
public sealed class ProcessTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void HelpIsPrintedAndNothingStarted()
    {
        var help = SampleProcess.Run("dotnet", [SampleProcess.Assembly("WebApp"), "--help"], folder: _folder.Path).Succeeded().Output;

        Assert.All(["--model", "--data", "--urls", "--Classifier:"], option => Assert.Contains(option, help, StringComparison.Ordinal));
        Assert.DoesNotContain("listening", help, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    public void AnAddressThatIsTakenIsSaidInALine(string host)
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        Directory.CreateDirectory(_folder["images"]); // and no model: none is trained for a service that cannot listen

        var service = Run("--model", _folder["model.zip"], "--data", _folder["images"], "--urls", $"http://{host}:{port}");

        Assert.Equal((1, ""), (service.ExitCode, service.Output));
        Assert.Equal(
            $"Failed to bind to address http://127.0.0.1:{port}: address already in use. "
            + "Give another address with --urls, such as --urls http://localhost:5001.",
            service.Error.TrimEnd());
    }

    [Fact]
    public void AnAddressOfAnotherMachineIsSaidInALine()
    {
        TestModel.Save(_folder["model.zip"]);

        var service = Run("--model", _folder["model.zip"], "--urls", "http://192.0.2.1:5000"); // RFC 5737: of documentation alone

        Assert.Equal((1, ""), (service.ExitCode, service.Output));
        Assert.Matches(
            @"^Failed to bind to address http://192\.0\.2\.1:5000: .+\. Give another address with --urls, "
            + @"such as --urls http://localhost:5001\.$",
            service.Error.TrimEnd());
    }

    [Fact]
    public void APortThatIsNoneIsSaidInALine()
    {
        TestModel.Save(_folder["model.zip"]);

        var service = Run("--model", _folder["model.zip"], "--urls", "http://localhost:99999");

        Assert.Equal((1, ""), (service.ExitCode, service.Output));
        Assert.Equal("Cannot listen on http://localhost:99999: a port is a number from 0 to 65535.", service.Error.TrimEnd());
    }

    [SkippableFact]
    public void HttpsWithoutACertificateIsSaidInALine()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Elsewhere a developer's certificate is kept outside the home folder.");
        TestModel.Save(_folder["model.zip"]);

        var service = SampleProcess.Run(
            "dotnet",
            [SampleProcess.Assembly("WebApp"), "--model", _folder["model.zip"], "--urls", "https://127.0.0.1:0"],
            environment: ("HOME", _folder.Path));

        Assert.Equal((1, ""), (service.ExitCode, service.Output));
        Assert.Matches(
            @"^Cannot listen on https://127\.0\.0\.1:0: .*certificate.*\. Give a certificate by the settings "
            + @"Kestrel:Certificates:Default:Path and :Password, or listen on http:// behind a proxy that has one\.$",
            service.Error.TrimEnd());
    }

    [SkippableFact]
    public async Task AskedToStopItAnswersWhatItHasAcceptedAndLeavesNothingBehind()
    {
        Skip.If(OperatingSystem.IsWindows(), "There is no SIGTERM.");
        TestModel.Save(_folder["model.zip"]);
        Directory.CreateDirectory(_folder["home"]);
        string[] arguments = ["--model", _folder["model.zip"], "--urls", "http://127.0.0.1:0", "--Classifier:Engines", "2"];
        var start = new ProcessStartInfo("dotnet", [SampleProcess.Assembly("WebApp"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["HOME"] = _folder["home"];
        start.Environment["XDG_CACHE_HOME"] = _folder["home/.cache"];
        start.Environment.Remove("ORT_DISABLE_TELEMETRY");
        start.Environment["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Information";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var lines = new List<string>();
        string? url = null;
        while (url is null || !lines.Any(line => line.Contains("Loaded model")))
        {
            var line = await process.StandardOutput.ReadLineAsync();
            Assert.True(line is not null, line is null ? await errors : "");
            lines.Add(line!);
            url ??= line!.Contains("Now listening on: ") ? line[(line.IndexOf("on: ") + 4)..].Trim() : null;
        }

        var rest = process.StandardOutput.ReadToEndAsync();
        using var client = new HttpClient { BaseAddress = new Uri(url) };
        var image = TestImages.PlainPng(4000, 4000);
        var accepted = Enumerable.Range(0, 12).Select(_ => client.PostAsync("predict", new ByteArrayContent(image))).ToArray();
        await Task.WhenAny(accepted); // the others were sent with it

        Process.Start("kill", ["-TERM", $"{process.Id}"]).Dispose();

        foreach (var answer in await Task.WhenAll(accepted))
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        await process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token);
        Assert.Equal(0, process.ExitCode);
        Assert.Equal("", await errors);
        Assert.DoesNotContain("   at ", await rest);
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync("health"));
        Assert.Empty(Directory.GetFiles(_folder["home"], "*", SearchOption.AllDirectories)); // ONNX Runtime's telemetry would be there
    }

    private static ProcessResult Run(params string[] arguments) =>
        SampleProcess.Run("dotnet", [SampleProcess.Assembly("WebApp"), .. arguments]);
}
