using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// ML.NET's file of a multinomial logistic regression. It mirrors, of Microsoft.ML 5.0.1: <c>Microsoft.ML.ModelHeader</c> (256 bytes, which
/// say where the model lies), <c>Microsoft.ML.Trainers.ModelParametersBase</c> (the size of a float), and
/// <c>Microsoft.ML.Trainers.LinearMulticlassModelParametersBase</c> (the counts, the biases and the rows of weights).
/// </summary>
internal static class MaximumEntropyModel
{
    private const int HeaderSize = 256;
    private const int ModelStartOffset = 16;
    private const int ModelLengthOffset = 24;
    private const int ModelSignatureOffset = 64;

    /// <summary>Tells whether a file is one, by the signatures of its header.</summary>
    public static bool IsOne(ReadOnlySpan<byte> file) =>
        file.Length >= HeaderSize && file.StartsWith("ML\0MODEL"u8) && file[ModelSignatureOffset..].StartsWith("MULTI\0LR"u8);

    /// <summary>Reads the matrix and the biases.</summary>
    public static void ReadInto(WeightsBuilder builder, ReadOnlySpan<byte> file, string matrixName, string biasName)
    {
        var (start, length) = (MemoryMarshal.Read<long>(file[ModelStartOffset..]), MemoryMarshal.Read<long>(file[ModelLengthOffset..]));
        if (start < HeaderSize || length < 0 || start > file.Length || length > file.Length - start)
        {
            throw new InvalidDataException("its head lies outside of its entry");
        }

        var numbers = MemoryMarshal.Cast<byte, int>(file.Slice((int)start, (int)length));
        if (numbers is not [sizeof(float), var features, var classes, ..] || features < 1 || classes < 1)
        {
            throw new InvalidDataException("its head has no features or classes");
        }

        // The biases, then the rows: of no sparse columns (0 and 0), and their size.
        var bias = numbers[3..];
        var rows = (long)features * classes;
        if (bias.Length != classes + 3 + rows || bias[classes..] is not [0, 0, var size, .. var matrix] || size != rows)
        {
            throw new InvalidDataException(
                $"its head claims {features:n0} features and {classes:n0} classes, "
                + $"which its {length:n0} bytes do not hold as dense rows");
        }

        Fill(builder.Declare(matrixName, ElementType.Float32, [classes, features]), matrix);
        Fill(builder.Declare(biasName, ElementType.Float32, [classes]), bias[..classes]);
    }

    private static void Fill(PendingTensor? tensor, ReadOnlySpan<int> bits) =>
        MemoryMarshal.Cast<int, float>(bits).CopyTo(tensor!.Allocate());
}
