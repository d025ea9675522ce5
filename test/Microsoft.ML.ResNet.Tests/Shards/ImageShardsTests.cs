using System.Formats.Tar;
using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using static Microsoft.ML.ResNet.Tests.Shards.TestShards;

namespace Microsoft.ML.ResNet.Tests.Shards;

public sealed class ImageShardsTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(TarEntryFormat.Ustar)]
    [InlineData(TarEntryFormat.Pax)]
    [InlineData(TarEntryFormat.Gnu)]
    public void SamplesAreMembersOfOneKey(TarEntryFormat format)
    {
        var deep = format == TarEntryFormat.Ustar ? "" : new string('ä', 120) + "/";
        var shard = Save(Tar(
        [
            ("__readme__", Text("no key")),
            ("a/b.x/one.PNG", Image(0)),
            ("a/b.x/one.json", Text("""{"label":"cat","width":2}""")),
            ("a/b.x/one.cls", Text("7")),
            ($"{deep}two.seg.png", Image(3)),
            ($"{deep}two.webp", Image(1)),
            ($"{deep}two.cls", Text(" 12\n")),
            ("three.jpeg", Image(2)),
            ("three.json", Text("""{"caption":"no label"}""")),
            ("three.txt", Text("a dog")),
            ("four.jpg", Image(3)),
        ], format));

        var view = _ml.Data.LoadImageShards(shard, new ImageShardOptions { IncludeMetadata = true });

        Assert.Equal(["Image", "Label", "ImagePath", "Metadata"], view.Schema.Select(column => column.Name));
        Assert.Equal(["cat", "12", "a dog", ""], view.GetColumn<string>("Label"));
        Assert.Equal(
            [$"{shard}/a/b.x/one.PNG", $"{shard}/{deep}two.webp", $"{shard}/three.jpeg", $"{shard}/four.jpg"],
            view.GetColumn<string>("ImagePath"));
        Assert.Equal("""{"label":"cat","width":2}""", view.GetColumn<string>("Metadata").First());
        Assert.Equal([2, 3, 4, 5], Widths(view));
        Conformance.CheckCursors(view);
    }

    [Fact]
    public void LabelsAreKeysOfTheClassNames()
    {
        var shard = Save(Tar(
        [
            ("1.png", Image(0)), ("1.cls", Text("1")), ("2.png", Image(0)), ("2.cls", Text("cat")), ("3.png", Image(0)),
        ]));

        var view = _ml.Data.LoadImageShards(shard, new ImageShardOptions { ClassNames = ["cat", "dog"] });

        Assert.Equal([2u, 1u, 0u], view.GetColumn<uint>("Label"));
        var names = default(VBuffer<ReadOnlyMemory<char>>);
        view.Schema["Label"].GetKeyValues(ref names);
        Assert.Equal(["cat", "dog"], names.DenseValues().Select(name => name.ToString()));
    }

    [Fact]
    public void EachEpochHasAnOrderOfItsOwnFromTheSeed()
    {
        var shards = Write(_folder, shards: 6, samples: 10);
        string[] Read(int? seed, int epoch = 0, int buffer = 15) =>
            Keys(_ml.Data.LoadImageShards(shards, new ImageShardOptions { Seed = seed, Epoch = epoch, ShuffleBuffer = buffer }));

        var plain = Read(seed: null);
        Assert.Equal(Enumerable.Range(0, 60).Select(number => $"s{number:d3}"), plain);
        var mixed = Read(seed: 1);
        Assert.Equal(mixed, Read(seed: 1));
        Assert.Equal(plain, mixed.Order());
        string[][] others = [Read(seed: 2), Read(seed: 1, epoch: 1), Read(seed: 1, buffer: 30), plain];
        Assert.All(others, other => Assert.NotEqual(mixed, other));
        Assert.All(others, other => Assert.Equal(plain, other.Order()));

        // Without a buffer whole shards change places, and nothing in them.
        var shardsOnly = Read(seed: 1, buffer: 1);
        Assert.NotEqual(plain, shardsOnly);
        Assert.All(shardsOnly.Chunk(10), shard => Assert.Equal(shard.Order(), shard));
    }

    [Fact]
    public void TheBufferIsBoundedInBytesToo()
    {
        var shards = Write(_folder, shards: 1, samples: 40);
        var options = new ImageShardOptions { Seed = 1, ShuffleBufferBytes = Image(0).Length + Image(1).Length + 1 };

        var keys = Keys(_ml.Data.LoadImageShards(shards, options));

        // Groups of three at most: nobody is far from its place.
        Assert.All(keys.Index(), key => Assert.InRange(int.Parse(key.Item[1..]) - key.Index, -3, 3));
        Assert.NotEqual(keys.Order(), keys);
    }

    [Theory]
    [InlineData(7, 3)] // of whole shards
    [InlineData(2, 5)] // of every fifth sample
    public void SharesHaveNothingInCommonAndTogetherAll(int shardCount, int shares)
    {
        var shards = Write(_folder, shardCount, samples: 10);
        foreach (var seed in (int?[])[null, 3])
        {
            var read = Enumerable.Range(0, shares).Select(share =>
                Keys(_ml.Data.LoadImageShards(shards, new ImageShardOptions { Share = (share, shares), Seed = seed }))).ToArray();

            Assert.All(read, keys => Assert.NotEmpty(keys));
            Assert.Equal(Enumerable.Range(0, shardCount * 10).Select(number => $"s{number:d3}"), read.SelectMany(keys => keys).Order());
        }
    }

    [Theory]
    [InlineData(null, 1, 3)]
    [InlineData(5, 7, 3)]
    [InlineData(5, 25, 3)]
    [InlineData(5, 1, 3)]
    [InlineData(5, 7, 1)]
    public void ReadingGoesOnInTheMiddle(int? seed, int buffer, int shardCount)
    {
        var shards = Write(_folder, shardCount, samples: 10);
        var options = new ImageShardOptions { Seed = seed, ShuffleBuffer = buffer, Epoch = 2 };
        var whole = _ml.Data.LoadImageShards(shards, options);
        var keys = Keys(whole);
        for (var rows = 0; rows <= keys.Length; rows++)
        {
            var kept = JsonSerializer.Serialize(whole.PositionAfter(rows)); // as another process reads it
            var position = JsonSerializer.Deserialize<ImageShardPosition>(kept);

            var rest = _ml.Data.LoadImageShards(shards, options with { StartAt = position });
            var left = Keys(rest);

            Assert.Equal(keys[rows..], left);
            if (left.Length > 2)
            {
                Assert.Equal(whole.PositionAfter(rows + 2), rest.PositionAfter(2)); // and again
            }
        }
    }

    [Fact]
    public void OnlyTheGroupIsReadAgain()
    {
        var shards = Write(_folder, shards: 3, samples: 10);
        var options = new ImageShardOptions { Seed = 5, ShuffleBuffer = 5 };
        var whole = _ml.Data.LoadImageShards(shards, options);
        var keys = Keys(whole);
        var position = whole.PositionAfter(22);
        var order = keys.Chunk(10).Select(shard => int.Parse(shard[0][1..]) / 10).ToArray();
        File.WriteAllBytes(_folder[$"s-{order[0]:d2}.tar"], []); // those before are not opened

        Assert.Equal(keys[22..], Keys(_ml.Data.LoadImageShards(shards, options with { StartAt = position })));
        Assert.Equal(2, position.Shard);
        Assert.Equal(0, position.Sample);
    }

    [Fact]
    public void AnotherOrderHasNoSuchPlace()
    {
        var shards = Write(_folder, shards: 2, samples: 10);
        var options = new ImageShardOptions { Seed = 5 };
        var view = _ml.Data.LoadImageShards(shards, options);
        Assert.Equal(0, view.PositionAfter(0).Rows);
        Assert.Equal("rows", Assert.Throws<ArgumentOutOfRangeException>(() => view.PositionAfter(1)).ParamName);
        Keys(view);
        var position = view.PositionAfter(3);

        Assert.Contains("StartAt of the image shards is a place in another order", Assert.Throws<ArgumentException>(
            () => _ml.Data.LoadImageShards(shards, options with { Seed = 6, StartAt = position })).Message);
        Assert.Throws<ArgumentException>(() => _ml.Data.LoadImageShards(shards, options with { StartAt = position with { Offset = -1 } }));
    }

    [Fact]
    public void RowsOfAnyOrderHaveTheSameIds()
    {
        var view = _ml.Data.LoadImageShards(Write(_folder, shards: 4, samples: 5));
        var inOrder = Read(null);
        var shuffled = Read(new Random(1));

        Assert.NotEqual(inOrder, shuffled);
        Assert.Equal(inOrder.Order(), shuffled.Order());

        (string Path, string Id)[] Read(Random? random)
        {
            using var cursor = view.GetRowCursor([view.Schema["ImagePath"]], random);
            var (getPath, getId) = (cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["ImagePath"]), cursor.GetIdGetter());
            var (path, id, rows) = (default(ReadOnlyMemory<char>), default(DataViewRowId), new List<(string, string)>());
            while (cursor.MoveNext())
            {
                getPath(ref path);
                getId(ref id);
                rows.Add((path.ToString(), id.ToString()));
            }

            return [.. rows];
        }
    }

    public static TheoryData<string, string> DamagedSamples => new()
    {
        { "label.cls", "Sample 'bad' of shard '{0}' has no image" },
        { "a.png b.jpg", "has two images, 'bad.png' and 'bad.jpg'" },
        { "a.png a.cls b.cls", "has two members 'bad.cls'" },
        { "a.png none.json", "has a .json that is none" },
        { "a.png half.json", "has a .json that is none" },
        { "a.png long.txt", "has a text 'bad.txt' of 1,048,577 bytes, but at most 1,048,576 are read" },
        { "long.png", "has an image 'bad.png' of 20,000 bytes, but at most 10,000 are read (MaxImageBytes)" },
        { "a.png other.cls", "has the label 'other', which is none of the 3 class names" },
        { "a.png 3.cls", "has the label '3', which is none of the 3 class names" },
        { "../a.png", "has a name that leads out of the shard" },
        { "/a.png", "has a name that leads out of the shard" },
    };

    [Theory]
    [MemberData(nameof(DamagedSamples))]
    public void ADamagedSampleIsNamedAndIsTheEndOrLeftOut(string members, string message)
    {
        var shard = Save(Tar(
        [
            ("good1.png", Image(0)), ("good1.cls", Text("1")),
            .. members.Split(' ').Select(Member),
            ("good2.png", Image(1)), ("good2.cls", Text("b")),
        ]));
        message = message.Replace("{0}", shard, StringComparison.Ordinal);
        var options = new ImageShardOptions { MaxImageBytes = 10_000, ClassNames = ["a", "b", "c"] };

        var failing = _ml.Data.LoadImageShards(shard, options);
        var exception = Assert.Throws<InvalidDataException>(() => Keys(failing));
        Assert.Contains(message, exception.Message);
        Assert.Contains(shard, exception.Message);

        var skipping = _ml.Data.LoadImageShards(shard, options with { OnBadImage = BadImageHandling.Skip });
        List<string> warnings = [];
        _ml.Log += (_, log) =>
        {
            if (log.Kind == Runtime.ChannelMessageKind.Warning)
            {
                warnings.Add(log.RawMessage);
            }
        };
        Assert.Equal(["good1", "good2"], Keys(skipping));
        Assert.Equal([2, 3], Widths(skipping));
        Assert.Contains(message, Assert.Single(skipping.Skipped));
        Assert.Contains(message, Assert.Single(warnings)); // once, though it was read twice

        static (string, byte[]) Member(string member) => (
            $"{Path.GetDirectoryName(member)}{(member.Contains('/') && member.Length > 6 ? "/" : "")}bad{Path.GetExtension(member)}",
            Path.GetFileNameWithoutExtension(member) switch
            {
                "none" => Text("{"),
                "half" => Text("""{"label":"\ud800"}"""),
                "long" => new byte[member.EndsWith("png", StringComparison.Ordinal) ? 20_000 : (1 << 20) + 1],
                _ when member.EndsWith("cls", StringComparison.Ordinal) => Text(Path.GetFileNameWithoutExtension(member)),
                _ => Image(2),
            });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void OfADamagedShardTheRestIsLeftOut(bool isCut)
    {
        var shards = Write(_folder, shards: 3, samples: 10);
        var path = _folder["s-01.tar"];
        var (whole, damaged) = (File.ReadAllBytes(path), File.ReadAllBytes(path));
        var member = whole.AsSpan().IndexOf("s014.png"u8);
        damaged.AsSpan(member, 512).Fill(7);
        File.WriteAllBytes(path, isCut ? whole[..(member + 600)] : damaged);

        var exception = Assert.Throws<InvalidDataException>(() => Keys(_ml.Data.LoadImageShards(shards)));
        Assert.Contains($"Shard '{path}' is damaged within or after its sample 's01", exception.Message);
        Assert.Contains(isCut ? "it is cut short" : "there is no header of a tar archive after its entry 's013.cls'", exception.Message);

        var skipping = _ml.Data.LoadImageShards(shards, new ImageShardOptions { OnBadImage = BadImageHandling.Skip });
        var keys = Keys(skipping);
        var numbers = keys.Select(key => int.Parse(key[1..])).Where(number => number != 13);
        Assert.Equal([.. Enumerable.Range(0, 13), .. Enumerable.Range(20, 10)], numbers);
        Assert.Equal(keys.Length, Widths(skipping).Count());
        Assert.Single(skipping.Skipped);
    }

    /// <summary>Headers that claim much of what is not there: no such memory is taken.</summary>
    [Theory]
    [InlineData('0', 8L << 30, "it is cut short")]
    [InlineData('x', 2L << 30, "claims 2,147,483,648 bytes, but at most 1,048,576 are read")]
    [InlineData('L', 2L << 30, "claims 2,147,483,648 bytes")]
    public void WhatAHeaderClaimsIsNotBelieved(char kind, long length, string message)
    {
        var shard = Save(Header("a.png", kind, length));
        var before = GC.GetTotalAllocatedBytes(precise: true);

        Assert.Contains(message, Assert.Throws<InvalidDataException>(() => Keys(_ml.Data.LoadImageShards(shard))).Message);
        Assert.Throws<InvalidDataException>(() => Widths(_ml.Data.LoadImageShards(shard)));
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 16 << 20);
    }

    [Fact]
    public void WhatIsNoArchiveIsNamed()
    {
        var shard = Save([0x1F, 0x8B, 8, .. new byte[1000]]);
        var compressed = Assert.Throws<InvalidDataException>(() => Keys(_ml.Data.LoadImageShards(shard)));
        Assert.Contains("it does not start with the header of a tar archive", compressed.Message);
        var empty = Assert.Throws<InvalidDataException>(() => Keys(_ml.Data.LoadImageShards(Save([]))));
        Assert.Contains("cut short", empty.Message);
        var missing = Assert.Throws<FileNotFoundException>(() => _ml.Data.LoadImageShards("no-{1..2}.tar"));
        Assert.Contains("There is no shard 'no-1.tar'", missing.Message);
    }

    [Fact]
    public void AnImageThatCannotBeDecodedIsNamedWhenItIsRead()
    {
        var shard = Save(Tar([("1.png", Image(0)), ("2.png", Image(1)[..40])]));
        var view = _ml.Data.LoadImageShards(shard);

        Assert.Equal(2, Keys(view).Length);
        Assert.Contains($"Image '{shard}/2.png' cannot be read", Assert.Throws<InvalidDataException>(() => Widths(view)).Message);
        var bounded = _ml.Data.LoadImageShards(shard, new ImageShardOptions { MaxImagePixels = 5 });
        Assert.Contains("5 in all are allowed", Assert.Throws<InvalidDataException>(() => Widths(bounded)).Message);
    }

    public static TheoryData<string, ImageShardOptions> BadOptions => new()
    {
        { "Share", new() { Share = (3, 3) } },
        { "Share", new() { Share = (-1, 3) } },
        { "ShuffleBuffer", new() { ShuffleBuffer = 0 } },
        { "ShuffleBufferBytes", new() { ShuffleBufferBytes = 0 } },
        { "MaxImageBytes", new() { MaxImageBytes = 0 } },
        { "MaxImagePixels", new() { MaxImagePixels = 0 } },
        { "ClassNames", new() { ClassNames = ["a", "a"] } },
        { "LabelProperty", new() { LabelProperty = "" } },
        { "OnBadImage", new() { OnBadImage = (BadImageHandling)9 } },
        { "Retries", new() { Retries = -1 } },
        { "RetryDelay", new() { RetryDelay = TimeSpan.FromDays(1) } },
        { "ReadTimeout", new() { ReadTimeout = TimeSpan.Zero } },
    };

    [Theory]
    [MemberData(nameof(BadOptions), DisableDiscoveryEnumeration = true)]
    public void AnOptionOutOfRangeIsNamed(string name, ImageShardOptions options)
    {
        var shards = Write(_folder, shards: 1, samples: 1);
        Assert.Contains(name, Assert.ThrowsAny<ArgumentException>(() => _ml.Data.LoadImageShards(shards, options)).Message);
    }

    private string Save(byte[] archive)
    {
        var path = _folder["shard.tar"];
        File.WriteAllBytes(path, archive);
        return path;
    }

    // One header, with a true checksum, and next to nothing behind it.
    private static byte[] Header(string name, char kind, long length)
    {
        var archive = Tar([(name, Text("x"))])[..1024];
        Text(Convert.ToString(length, 8).PadLeft(11, '0')).CopyTo(archive, 124);
        archive[156] = (byte)kind;
        archive.AsSpan(148, 8).Fill((byte)' ');
        Text($"{Convert.ToString(archive[..512].Sum(value => value), 8).PadLeft(6, '0')}\0 ").CopyTo(archive, 148);
        return archive;
    }
}
