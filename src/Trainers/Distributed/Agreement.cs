using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.ResNet.Trainers.Distributed;

/// <summary>What ranks settle among them.</summary>
internal static class Agreement
{
    /// <summary>Gets a number from each rank, in their order.</summary>
    public static long[] All(this ICollective ranks, long value)
    {
        var all = new long[ranks.Size];
        ranks.AllGather(value, all);
        return all;
    }

    /// <summary>Gets what rank 0 has.</summary>
    public static long OfFirst(this ICollective ranks, long value)
    {
        ranks.Broadcast(MemoryMarshal.AsBytes(new Span<long>(ref value)));
        return value;
    }

    /// <summary>Gets the bytes that rank 0 has, however many those are.</summary>
    public static byte[] OfFirst(this ICollective ranks, byte[] bytes)
    {
        var length = (int)ranks.OfFirst(bytes.LongLength);
        bytes = bytes.Length == length ? bytes : new byte[length];
        ranks.Broadcast(bytes);
        return bytes;
    }

    /// <summary>Gets a text from each rank, in their order.</summary>
    public static string[] All(this ICollective ranks, string text)
    {
        var own = Encoding.UTF8.GetBytes(text);
        var lengths = ranks.All(own.LongLength);
        var all = new string[ranks.Size];
        for (var rank = 0; rank < all.Length; rank++)
        {
            var bytes = rank == ranks.Rank ? own : new byte[lengths[rank]];
            ranks.Broadcast(bytes, from: rank);
            all[rank] = Encoding.UTF8.GetString(bytes);
        }

        return all;
    }

    /// <summary>Gets the weights that rank 0 has; the others have as many, of the same shapes.</summary>
    public static ResNetWeights OfFirst(this ICollective ranks, ResNetWeights weights)
    {
        if (ranks.Size == 1)
        {
            return weights;
        }

        var shared = new List<WeightTensor>();
        foreach (var tensor in weights.Tensors)
        {
            var values = tensor.Values.ToArray();
            ranks.Broadcast(MemoryMarshal.AsBytes(values.AsSpan()));
            shared.Add(new WeightTensor(tensor.Name, tensor.Shape, values));
        }

        return new ResNetWeights(shared);
    }

    /// <summary>Checks that all ranks were given the same data.</summary>
    /// <param name="ranks">The ranks.</param>
    /// <param name="count">The images of this one.</param>
    /// <param name="purpose">What they are for.</param>
    /// <param name="text">What is the same where the data are.</param>
    /// <exception cref="InvalidOperationException">Another rank has others.</exception>
    public static void CheckSameData(this ICollective ranks, int count, string purpose, string text)
    {
        var (counts, hashes) = (ranks.All(count), ranks.All(Hash(text)));
        for (var rank = 1; rank < ranks.Size; rank++)
        {
            if (counts[rank] != counts[0] || hashes[rank] != hashes[0])
            {
                throw new InvalidOperationException(
                    $"Rank {rank} reads {counts[rank]} {purpose} images and rank 0 reads {counts[0]}"
                    + (counts[rank] == counts[0] ? ", but in another order, with other labels or another validation set" : "")
                    + ". All ranks must be given the same data in the same order: the same files on every machine, or a folder that all of "
                    + "them see.");
            }
        }
    }

    /// <summary>Gets how many ranks, this one among them, share the cores that this process may use.</summary>
    /// <remarks>Ranks of one machine that were bound to other cores do not; processes of one container see a machine of their own.
    /// </remarks>
    public static int SharersOfCores(this ICollective ranks)
    {
        var own = Hash($"{Environment.MachineName} {AllowedCores()}");
        return ranks.All(own).Count(other => other == own);
    }

    /// <summary>Gets how many ranks, this one among them, share the memory of this machine.</summary>
    public static int SharersOfMemory(this ICollective ranks)
    {
        var own = Hash(Environment.MachineName);
        return ranks.All(own).Count(other => other == own);
    }

    /// <summary>Gets a number by which texts are compared, the same in every process.</summary>
    public static long Hash(string text)
    {
        var hash = 0xcbf29ce484222325UL; // FNV-1a
        foreach (var character in text)
        {
            hash = (hash ^ character) * 0x100000001b3UL;
        }

        return (long)hash;
    }

    // Linux alone tells.
    private static string AllowedCores()
    {
        const string status = "/proc/self/status", name = "Cpus_allowed_list:";
        try
        {
            return File.ReadLines(status).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) ?? "";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}

/// <summary>Training was cancelled on a rank of the job, and so on all of them.</summary>
internal sealed class JobCanceledException(CancellationToken token)
    : OperationCanceledException("Training was cancelled on a rank of the job, and so on all of them.", token);
