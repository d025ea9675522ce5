using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>The random numbers that batches are made with.</summary>
/// <remarks>
/// Those of an image depend on the seed, the epoch, the image's index and, where it is repeated, on the repetition; those of a batch on the
/// seed, the epoch and the batch's index. So neither timing nor a stop in between changes what the network sees. One generator gives them
/// all, each time from a new start: for one thread, and for one use at a time.
/// </remarks>
/// <param name="seed">The seed.</param>
internal sealed class BatchRandom(int seed)
{
    // In the place of an image's index, for random numbers that belong to no image.
    private const int OrderStream = -1;
    private const int MixingStream = -2;

    private readonly ReseedableRandom _random = new();

    /// <summary>Gets those that draw the order of an epoch.</summary>
    public Random ForOrder(int epoch) => Start(epoch, OrderStream, number: 0);

    /// <summary>Gets those that augment an image.</summary>
    /// <param name="epoch">The epoch.</param>
    /// <param name="index">The image's index.</param>
    /// <param name="repetition">How often it came before in this epoch.</param>
    public Random ForImage(int epoch, int index, int repetition) => Start(epoch, index, repetition);

    /// <summary>Gets those that mix the images of a batch.</summary>
    public Random ForMixing(int epoch, int batch) => Start(epoch, MixingStream, batch);

    private ReseedableRandom Start(int epoch, int stream, int number) => _random.Restart(
        number == 0 ? SeedMixer.Mix(seed, epoch, stream) : SeedMixer.Mix(seed, epoch, stream, number));
}
