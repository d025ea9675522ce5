using System.Collections.Immutable;
using System.Globalization;

namespace Microsoft.ML.ResNet.Images;

/// <summary>
/// A file of the binary version: records of a label and the red, green and blue planes of an image, without a header
/// (<see href="https://www.cs.toronto.edu/~kriz/cifar.html"/>, "Binary version").
/// </summary>
internal static class Cifar10Batch
{
    /// <summary>Height and width of an image in pixels.</summary>
    public const int ImageSize = 32;

    /// <summary>Bytes of a plane.</summary>
    public const int PlaneLength = ImageSize * ImageSize;

    /// <summary>Bytes of a record: the label, then three planes.</summary>
    public const int RecordLength = 1 + 3 * PlaneLength;

    private const int MostRecords = 10_000;

    /// <summary>The length in bytes that no file exceeds, and that each published one has.</summary>
    public const int MaxLength = MostRecords * RecordLength;

    public const string TestFile = "test_batch.bin";

    public static ImmutableArray<string> TrainFiles { get; } =
        ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"];

    public static ImmutableArray<string> Files { get; } = [.. TrainFiles, TestFile];

    /// <summary>Reads a file, and checks it.</summary>
    /// <param name="name">Its name, for what is said about it.</param>
    /// <param name="length">Its length in bytes; checked before memory is taken.</param>
    /// <param name="fill">Reads that many bytes.</param>
    /// <returns>The records, <see cref="RecordLength"/> bytes each, in one piece of memory.</returns>
    /// <exception cref="InvalidDataException">The length is not that of whole records, there are too many of them, or a label is
    /// none.</exception>
    public static ReadOnlyMemory<byte>[] Read(string name, long length, Action<Span<byte>> fill)
    {
        if (length is 0 or > MaxLength || length % RecordLength != 0)
        {
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                $"{name} is {length:n0} bytes long, which are not 1 to {MostRecords:n0} records of {RecordLength:n0} bytes"));
        }

        var bytes = new byte[length];
        fill(bytes);
        var records = new ReadOnlyMemory<byte>[length / RecordLength];
        for (var i = 0; i < records.Length; i++)
        {
            records[i] = bytes.AsMemory(i * RecordLength, RecordLength);
            if (records[i].Span[0] >= Cifar10.ClassNames.Length)
            {
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                    $"record {i:n0} of {name}, counted from 0, has the label {records[i].Span[0]}, "
                    + $"but labels are 0 to {Cifar10.ClassNames.Length - 1}"));
            }
        }

        return records;
    }
}
