using System.CommandLine;
using Studio;
using Studio.Hosting;

namespace Cli;

/// <summary><c>studio</c>: a model builder in the browser.</summary>
internal static class StudioCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("folder")
        {
            Description = "The project's folder, with a sub-folder of images for each class; it may be empty, or not exist yet.",
            DefaultValueFactory = _ => ".",
        };
        var port = OptionValues.Large("--port", "The port. [default: a free one]", least: 1, most: ushort.MaxValue);
        var host = new Option<string>("--host")
        {
            Description = "The address to listen on; 0.0.0.0 for all networks. Whoever has the whole address printed can use the studio.",
            DefaultValueFactory = _ => "127.0.0.1",
            HelpName = "address",
        };
        var noBrowser = new Option<bool>("--no-browser") { Description = "Do not open the browser; the address is printed." };
        host.Validators.Add(result =>
        {
            if (!System.Net.IPAddress.TryParse(result.GetValueOrDefault<string>(), out _))
            {
                result.AddError($"--host is '{result.GetValueOrDefault<string>()}', but must be an IP address, such as 127.0.0.1.");
            }
        });
        var command = new Command("studio",
            "Opens a model builder in the browser: add images, see them, train, understand, correct labels, take the model home. Nothing "
            + "leaves this machine. Training needs libtorch.")
        {
            folder, port, host, noBrowser,
        };
        return command.Runs((arguments, _, cancellation) => StudioServer.RunAsync(
            new StudioOptions
            {
                Folder = arguments.GetValue(folder)!,
                Port = (int)(arguments.GetValue(port) ?? 0),
                Host = StudioOptions.Address(arguments.GetValue(host)!),
                OpensBrowser = !arguments.GetValue(noBrowser),
                LoadTorch = LibTorch.Load,
            },
            cancellation).GetAwaiter().GetResult());
    }
}
