namespace Microsoft.ML.ResNet.Files;

/// <summary>The memory that reading a file may take in all: room is taken from here before it is made, and is not given back.</summary>
/// <param name="fileLength">The length of the file.</param>
/// <param name="maxBytes">The allowance.</param>
internal sealed class MemoryAllowance(long fileLength, long maxBytes)
{
    /// <summary>
    /// More than twice what the largest published network takes, 127 million parameters, where its file is of float64: 1.5 GB.
    /// </summary>
    public const long Default = 4L << 30;

    private long _taken;

    public long FileLength => fileLength;

    /// <summary>
    /// The most bytes that the file may become, as floats or decompressed: 16 times its length, which leaves room for float16, for tied
    /// tensors and for many zeros, or 16 MB for a small one. A file that would become more is made to exhaust memory.
    /// </summary>
    public long ExpandedBytes => Math.Max(16L << 20, 16 * fileLength);

    /// <summary>Takes some of it.</summary>
    /// <exception cref="InvalidDataException">There is not so much left.</exception>
    public void Take(long bytes)
    {
        _taken += bytes;
        if (_taken > maxBytes)
        {
            throw new InvalidDataException($"reading it takes more than the {maxBytes:n0} bytes of memory that are allowed (maxBytes)");
        }
    }
}
