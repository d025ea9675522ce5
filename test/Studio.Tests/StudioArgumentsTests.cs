using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.ML.ResNet.TestSupport;
using Studio.Hosting;

namespace Studio.Tests;

public sealed class StudioArgumentsTests
{
    private readonly StudioArguments _studio = new();
    private readonly RootCommand _command = new(StudioArguments.Description);

    public StudioArgumentsTests() => _studio.AddTo(_command);

    [Fact]
    public void WithoutArgumentsItServesThisFolderToThisMachine()
    {
        var options = _studio.Read(_command.Parse([]));

        Assert.Equal((".", 0, IPAddress.Loopback, true), (options.Folder, options.Port, options.Host, options.OpensBrowser));
    }

    [Fact]
    public void ArgumentsAreRead()
    {
        var options = _studio.Read(_command.Parse(["photos", "--port", "8080", "--host", "0.0.0.0", "--no-browser"]));

        Assert.Equal(("photos", 8080, IPAddress.Any, false), (options.Folder, options.Port, options.Host, options.OpensBrowser));
    }

    [Theory]
    [InlineData("--port is '70000', but must be a whole number from 0 to 65535; 0 takes a free port.", "--port", "70000")]
    [InlineData("There is no option '--nope'. For a folder of that name, write './--nope'.", "--nope")]
    [InlineData("--host is 'here', but must be an IP address, such as 127.0.0.1, or 0.0.0.0 for all networks.", "--host", "here")]
    public void WhatIsWrongIsSaid(string message, params string[] arguments) =>
        Assert.Equal(message, Assert.Single(_command.Parse(arguments).Errors).Message);

    [Fact]
    public async Task APortThatIsTakenIsNamed()
    {
        using var folder = new TemporaryFolder();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        var options = new StudioOptions { Folder = folder["p"], Port = port, OpensBrowser = false };

        var exception = await Assert.ThrowsAsync<IOException>(() => StudioServer.RunAsync(options, CancellationToken.None));

        Assert.StartsWith($"The studio cannot listen on port {port} of 127.0.0.1: ", exception.Message, StringComparison.Ordinal);
        Assert.EndsWith("Give another --port; without it, a free one is taken.", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhereItIsOpenToAllOtherMachinesAreToldHow()
    {
        using var folder = new TemporaryFolder();
        string[] arguments = [SampleProcess.Assembly("Studio"), folder["p"], "--host", "0.0.0.0", "--no-browser"];
        using var studio = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        try
        {
            Assert.Matches(@"^The studio is open at http://127\.0\.0\.1:[0-9]+/", await studio.StandardOutput.ReadLineAsync());
            Assert.Equal(
                "Other machines open it by this machine's IP address in place of 127.0.0.1.", await studio.StandardOutput.ReadLineAsync());
        }
        finally
        {
            studio.Kill(entireProcessTree: true);
            await studio.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task HelpNamesEveryOption()
    {
        var output = new StringWriter();

        var exitCode = await _command.Parse(["--help"]).InvokeAsync(new InvocationConfiguration { Output = output });

        Assert.Equal(0, exitCode);
        Assert.All(["folder", "--port", "--host", "--no-browser"], name => Assert.Contains(name, output.ToString()));
    }
}
