using System.Buffers.Text;
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
