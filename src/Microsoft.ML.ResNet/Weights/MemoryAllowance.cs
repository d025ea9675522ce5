namespace Microsoft.ML.ResNet.Weights;

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
