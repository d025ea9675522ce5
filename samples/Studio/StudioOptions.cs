using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;

namespace Studio;

/// <summary>How the studio is started.</summary>
public sealed record StudioOptions
{
    /// <summary>Names the environment variable with a token to take instead of a random one. Others can see a command line.</summary>
    public const string TokenVariable = "RESNET_STUDIO_TOKEN";

    private const int ShortestToken = 16;

    /// <summary>Gets the project's folder. It is made if it does not exist.</summary>
    public required string Folder { get; init; }

    /// <summary>Gets the port.</summary>
    /// <value>The default is 0: a free one.</value>
    public int Port { get; init; }

    /// <summary>Gets the address to listen on.</summary>
    /// <value>The default is this machine only.</value>
    public IPAddress Host { get; init; } = IPAddress.Loopback;

    /// <summary>Gets whether the browser is opened.</summary>
    public bool OpensBrowser { get; init; } = true;

    /// <summary>Gets the secret part of the address.</summary>
    public string Token { get; init; } = NewToken();

    /// <summary>Gets what loads libtorch before it is needed, where it does not lie beside the program.</summary>
    public Action? LoadTorch { get; init; }

    /// <summary>Reads the command line of samples/Studio.</summary>
    /// <exception cref="ArgumentException">It is wrong; the message says what it must be.</exception>
    public static StudioOptions Parse(string[] args)
    {
        const string usage = "Usage: Studio [FOLDER] [--port NUMBER] [--host ADDRESS] [--no-browser]";
        var options = new StudioOptions { Folder = "." };
        for (var i = 0; i < args.Length; i++)
        {
            options = args[i] switch
            {
                "--no-browser" => options with { OpensBrowser = false },
                "--port" => options with { Port = Number(Next()) },
                "--host" => options with { Host = Address(Next()) },
                var folder when !folder.StartsWith('-') => options with { Folder = folder },
                var other => throw new ArgumentException($"'{other}' is no option. {usage}"),
            };

            string Next() => ++i < args.Length ? args[i] : throw new ArgumentException($"{args[i - 1]} needs a value. {usage}");
        }

        return options;
    }

    /// <summary>Reads an address to listen on.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static IPAddress Address(string text) => IPAddress.TryParse(text, out var address)
        ? address
        : throw new ArgumentException($"--host is '{text}', but must be an IP address, such as 127.0.0.1, or 0.0.0.0 for all networks.");

    private static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= ushort.MaxValue
            ? port
            : throw new ArgumentException($"--port is '{text}', but must be a number from 0 to 65535; 0 takes a free port.");

    private static string NewToken()
    {
        var given = Environment.GetEnvironmentVariable(TokenVariable);
        if (string.IsNullOrEmpty(given))
        {
            return Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(24));
        }

        return given.Length >= ShortestToken && given.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
            ? given
            : throw new ArgumentException(
                $"{TokenVariable} must have at least {ShortestToken} characters, and no others than letters, digits, '-' and '_'.");
    }
}
