using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Shards;

/// <summary>A shard: a tar archive in a file, or at an http or https address.</summary>
internal sealed class Shard(string name)
{
    private const int BufferBytes = 1 << 18;

    /// <summary>Gets its path or address, as the user has it.</summary>
    public string Name => name;

    /// <summary>Gets its address; null for a file.</summary>
    public Uri? Address { get; } = Uri.TryCreate(name, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
        ? address
        : null;

    /// <summary>Checks that a file is there. Of an address nothing is known before it is read.</summary>
    /// <exception cref="FileNotFoundException">It is not.</exception>
    public void Check()
    {
        if (Address is null && !File.Exists(name))
        {
            throw new FileNotFoundException(
                $"There is no shard '{name}' (looked for '{Path.GetFullPath(name)}'). Correct the names of the shards.", name);
        }
    }

    /// <summary>Opens it.</summary>
    /// <param name="offset">The bytes that are passed over.</param>
    /// <param name="connections">Makes connections to addresses.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public Stream Open(long offset, ShardConnections connections)
    {
        if (Address is not null)
        {
            return new BufferedStream(new ShardDownload(Address, offset, connections), BufferBytes);
        }

        Check();
        var file = RegularFile.OpenRead(name);
        file.Position = offset;
        return new BufferedStream(file, BufferBytes);
    }

    /// <summary>Gets what messages, and the column of paths, call one of its members.</summary>
    public string PathOf(string member) => $"{name}/{member}";
}
