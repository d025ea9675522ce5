using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;

namespace Studio;

/// <summary>What the studio is told on a command line: its own, or that of <c>resnet studio</c>.</summary>
public sealed class StudioArguments
{
    /// <summary>Describes the studio.</summary>
    public const string Description =
        "Opens a model builder in the browser: add images, see them, train, understand, correct labels, take the model home. Nothing "
        + "leaves this machine.";

    private readonly Argument<string> _folder = new("folder")
    {
        Description = "The project's folder, with a sub-folder of images for each class; it may be empty, or not exist yet.",
        DefaultValueFactory = _ => ".",
    };

    private readonly Option<int> _port = new("--port")
    {
        Description = "The port; 0 for a free one.",
        HelpName = "number",
        DefaultValueFactory = _ => 0,
        CustomParser = ParsePort,
    };

    private readonly Option<IPAddress> _host = new("--host")
    {
        Description = "The address to listen on; 0.0.0.0 for all networks. Whoever has the whole address printed can use the studio.",
        DefaultValueFactory = _ => IPAddress.Loopback,
        HelpName = "address",
        CustomParser = ParseAddress,
    };

    private readonly Option<bool> _noBrowser = new("--no-browser") { Description = "Do not open the browser; the address is printed." };

    public StudioArguments() => _folder.Validators.Add(RefuseOption);

    /// <summary>Gives a command the argument and the options.</summary>
    public void AddTo(Command command)
    {
        command.Add(_folder);
        command.Add(_port);
        command.Add(_host);
        command.Add(_noBrowser);
    }

    /// <summary>Reads them.</summary>
    /// <exception cref="ArgumentException">The token of the environment is no token.</exception>
    public StudioOptions Read(ParseResult arguments) => new()
    {
        Folder = arguments.GetValue(_folder)!,
        Port = arguments.GetValue(_port),
        Host = arguments.GetValue(_host)!,
        OpensBrowser = !arguments.GetValue(_noBrowser),
    };

    // A word that is no option would be a folder, which is made where it is not there.
    private static void RefuseOption(ArgumentResult result)
    {
        if (result.Tokens is [{ Value: ['-', ..] word }])
        {
            result.AddError($"There is no option '{word}'. For a folder of that name, write './{word}'.");
        }
    }

    private static int ParsePort(ArgumentResult result)
    {
        var text = result.Tokens[^1].Value;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port > ushort.MaxValue)
        {
            result.AddError($"--port is '{text}', but must be a whole number from 0 to {ushort.MaxValue}; 0 takes a free port.");
        }

        return port;
    }

    private static IPAddress ParseAddress(ArgumentResult result)
    {
        var text = result.Tokens[^1].Value;
        if (IPAddress.TryParse(text, out var address))
        {
            return address;
        }

        result.AddError($"--host is '{text}', but must be an IP address, such as 127.0.0.1, or 0.0.0.0 for all networks.");
        return IPAddress.Loopback;
    }
}
