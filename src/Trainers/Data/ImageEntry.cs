namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// What is known about a stored image without its pixels, and where those are. There is one entry per image, so it is small.
/// </summary>
/// <param name="Place">Where its pixels are in the store; negative where they are read from its file, see <see cref="FileNumber"/>, where
/// another rank keeps them, see <see cref="Owner"/>, or where nobody does, see <see cref="Streamed"/>.</param>
/// <param name="Length">The number of values; 0 for an image that was left out.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Width">In pixels.</param>
/// <param name="Label">The class, counted from 0.</param>
/// <param name="Weight">How much the example counts in the loss.</param>
internal readonly record struct ImageEntry(long Place, int Length, int Height, int Width, int Label, float Weight)
{
    /// <summary>Gets whether the image could be read.</summary>
    public bool IsRead => Length > 0;

    public bool IsInFile => Place < 0 && !IsElsewhere;

    /// <summary>Gets whether another rank keeps the pixels.</summary>
    public bool IsElsewhere => Place <= LastElsewhere;

    /// <summary>Gets the rank that keeps them, where it is another.</summary>
    public int Owner => (int)(Place - long.MinValue);

    /// <summary>Gets the number under which <see cref="SourceFiles{T}"/> knows the file.</summary>
    public int FileNumber => (int)~Place;

    /// <summary>The <see cref="Place"/> of an image that is read anew from its shard in each epoch.</summary>
    public const long Streamed = LastElsewhere;

    private const long LastElsewhere = long.MinValue + int.MaxValue;

    /// <summary>Gets the <see cref="Place"/> that stands for another rank.</summary>
    public static long PlaceOnRank(int rank) => long.MinValue + rank;

    /// <summary>Gets the <see cref="Place"/> that stands for a file.</summary>
    public static long PlaceOfFile(int fileNumber) => ~(long)fileNumber;
}
