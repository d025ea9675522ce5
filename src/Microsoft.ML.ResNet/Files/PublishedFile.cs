using System.Globalization;
using System.Security.Cryptography;

namespace Microsoft.ML.ResNet.Files;

/// <summary>A file on the web, and how what was published is recognised.</summary>
/// <param name="Address">Where it is; the last part is its name.</param>
/// <param name="HashAlgorithm">The hash that its publisher gives.</param>
/// <param name="HashPrefix">The hash, or the first digits of it, in lower-case hexadecimal.</param>
internal sealed record PublishedFile(Uri Address, HashAlgorithmName HashAlgorithm, string HashPrefix)
{
    /// <summary>Gets the length in bytes; null where the publisher does not give it.</summary>
    public long? Length { get; init; }

    public string FileName => Path.GetFileName(Address.LocalPath);

    /// <summary>Says how a file on disk differs from what was published; null where it does not.</summary>
    public string? FindDifference(string path)
    {
        using var stream = RegularFile.OpenRead(path);
        if (Length is { } length && stream.Length != length)
        {
            return string.Create(CultureInfo.InvariantCulture, $"it is {stream.Length:n0} bytes long, not {length:n0}");
        }

        var hash = Convert.ToHexStringLower(CryptographicOperations.HashData(HashAlgorithm, stream));
        return hash.StartsWith(HashPrefix, StringComparison.Ordinal)
            ? null
            : $"its {HashAlgorithm} starts with {hash[..HashPrefix.Length]}, not {HashPrefix}";
    }
}
