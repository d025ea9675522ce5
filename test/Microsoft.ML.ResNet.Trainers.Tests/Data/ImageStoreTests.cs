using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Data;

public sealed class ImageStoreTests : IDisposable
{
    private const int Size = 300_000;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(long.MaxValue, true)]
    [InlineData(Size * 12L, true)] // some in memory, the others in the file
    [InlineData(0, true)]
    [InlineData(0, false)]
    public void GivesBackWhatManyThreadsAdded(long memoryLimit, bool bytes)
    {
        if (bytes)
        {
            GivesBack<byte>(memoryLimit, i => (byte)i);
        }
        else
        {
            GivesBack<float>(memoryLimit, i => i / 3f);
        }
    }

    [Fact]
    public void MemoryIsBounded()
    {
        using var store = new ImageStore<byte>(10_000_000, File());
        for (var i = 0; i < 60; i++)
        {
            Assert.NotNull(store.TryAdd(Image(new byte[Size], i)));
        }

        Assert.InRange(store.MemoryBytes, 9_000_000, 10_000_000);
        Assert.InRange(store.FileBytes, 7_000_000, long.MaxValue);
    }

    [Fact]
    public void WithoutRoomNothingIsAddedAndTheErrorSaysWhatToDo()
    {
        using var store = new ImageStore<byte>(2 * Size, new PixelFile(_folder.Path, reserve: long.MaxValue / 2));

        Assert.NotNull(store.TryAdd(Image(new byte[Size], 0)));
        Assert.NotNull(store.TryAdd(Image(new byte[Size], 1)));
        Assert.Null(store.TryAdd(Image(new byte[Size], 2)));

        var message = Assert.Throws<InvalidOperationException>(() => store.CheckRoom(5 * Size, "It")).Message;
        Assert.Contains("It, 1 MiB, must be kept, but CacheBytes allows 600000 bytes in memory, and folder", message);
        Assert.Contains("Raise CacheBytes", message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void TheFileIsPrivateAndGoneAfterwards()
    {
        var store = new ImageStore<byte>(0, File());
        store.TryAdd(Image(new byte[Size], 0));

        // On Unix it has no name even now, so that no crash can leave it.
        Assert.Equal(OperatingSystem.IsWindows() ? 1 : 0, Directory.EnumerateFiles(_folder["cache"]).Count());
        store.Dispose();
        Assert.Empty(Directory.EnumerateFiles(_folder["cache"]));
    }

    [SkippableFact]
    public void AFolderInMemoryIsNoDisk()
    {
        Skip.IfNot(
            Directory.Exists("/dev/shm") && new DriveInfo("/dev/shm").DriveType == DriveType.Ram, "/dev/shm is not a folder in memory");

        Assert.Equal(0, new PixelFile("/dev/shm", reserve: 0).Room());
    }

    private void GivesBack<T>(long memoryLimit, Func<int, T> value)
        where T : unmanaged, System.Numerics.INumberBase<T>
    {
        using var store = new ImageStore<T>(memoryLimit, File());
        var entries = new ImageEntry[40];
        Parallel.For(0, entries.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 },
            i => entries[i] = store.TryAdd(Image(Pixels(i), i))!.Value);
        var images = new ImageSet<T>(store, entries);

        Check();
        store.ReleasePages();
        Check();

        T[] Pixels(int i) => [.. Enumerable.Range(0, Size / 4 + i).Select(at => value(at * 7 + i))];

        void Check() => Parallel.For(0, entries.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            Assert.Equal((1, Size / 4 + i, i, i / 2f), (images[i].Height, images[i].Width, images[i].Label, images[i].Weight));
            Assert.True(images[i].Pixels.SequenceEqual(Pixels(i)));
        });
    }

    private PixelFile File() => new(_folder["cache"], reserve: 0);

    private static StoredImage<T> Image<T>(T[] pixels, int number)
        where T : unmanaged => new(pixels, 1, pixels.Length, number, number / 2f);
}
