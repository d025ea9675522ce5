using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Returns unused memory of the C allocator's heaps to the system from time to time.</summary>
/// <remarks>
/// Torch asks for aligned buffers. glibc looks for room for one, and for the most that aligning may take, so the hole that a buffer leaves
/// is too small for the next of the same size once a small object has taken its margin. Holes and new buffers then cover several times what
/// is in use.
/// </remarks>
internal sealed partial class FreeBuffers
{
    /// <summary>The interval where autograd runs a step: it takes and frees hundreds of buffers.</summary>
    public static readonly TimeSpan OfAutograd = TimeSpan.FromSeconds(5);

    /// <summary>The interval of a compiled step: it owns most of its memory, and holes grow slowly.</summary>
    public static readonly TimeSpan OfCompiledStep = TimeSpan.FromSeconds(30);

    // Giving back, and taking again at the next batch, costs about as much as zeroing a batch's buffers: so neither often in time, nor in
    // batches.
    private const int BatchInterval = 16;

    private TimeSpan _last;
    private int _batches;

    /// <summary>Gets or sets the least time between two returns.</summary>
    /// <value>The default is <see cref="OfAutograd"/>.</value>
    public TimeSpan Interval { get; set; } = OfAutograd;

    /// <summary>To be called after each batch, when its tensors are freed.</summary>
    /// <param name="time">The time, of a clock that started with this object.</param>
    public void AfterBatch(TimeSpan time)
    {
        if (++_batches >= BatchInterval)
        {
            Release(time);
        }
    }

    /// <summary>To be called after each epoch.</summary>
    /// <param name="time">As in <see cref="AfterBatch"/>.</param>
    public void AfterEpoch(TimeSpan time) => Release(time);

    /// <summary>To be called when training is over and its tensors are freed: a later training may need buffers of other sizes.</summary>
    public static void AfterTraining() => Release();

    private void Release(TimeSpan time)
    {
        if (time - _last >= Interval)
        {
            (_last, _batches) = (time, 0);
            Release();
        }
    }

    private static void Release()
    {
        if (!TorchRuntime.OwnsAllocator)
        {
            return;
        }

        try
        {
            _ = Trim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // musl gives back by itself.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint pad);
}
