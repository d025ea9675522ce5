using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.ML.ResNet.TestSupport;
using Studio.Data;
using Studio.Tests.Hosting;

namespace Studio.Tests;

public sealed class DataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ImagesAreAddedMovedRemovedAndTheChangesTakenBack()
    {
        await using var studio = await TestStudio.StartAsync(_folder["new"]);
        await studio.PostAsync("classes", new { name = "circle" });
        await studio.PostAsync("classes", new { name = "star" });
        foreach (var picture in Drawn.Pictures("circle", 3))
        {
            (await studio.UploadAsync("shape.png", picture, "circle")).Dispose();
        }

        await studio.GetAsync("project"); // looks at the folder
        Assert.Equal(
            ["circle/shape (2).png", "circle/shape (3).png", "circle/shape.png"], await ImagesOf(studio, "circle"));

        var images = new[] { "circle/shape.png", "circle/shape (2).png" };
        var moved = await studio.PostAsync("images/move", new { images, @class = "star" });
        Assert.Equal([1, 2], Counts(moved));
        Assert.Equal("the move of 2 images to 'star'", moved.GetProperty("undo").GetString());

        var removed = await studio.PostAsync("images/trash", new { images = new[] { "star/shape.png" } });
        Assert.Equal([1, 1], Counts(removed));
        Assert.True(File.Exists(_folder["new/trash/star/shape.png"])); // nothing is deleted

        await studio.PostAsync("undo");
        var back = await studio.PostAsync("undo");
        Assert.Equal([3, 0], Counts(back));
        Assert.Equal(JsonValueKind.Null, back.GetProperty("undo").ValueKind);
        using var nothing = await studio.Client.PostAsJsonAsync("api/undo", new { });
        Assert.Equal(HttpStatusCode.Conflict, nothing.StatusCode);
    }

    [Fact]
    public void AFileIsNoProject()
    {
        File.WriteAllBytes(_folder["photo.jpg"], []);

        var exception = Assert.Throws<IOException>(() => new ImageProject(_folder["photo.jpg"]));

        Assert.Equal(
            $"'{_folder["photo.jpg"]}' is a file, but must be the project's folder: it may be empty, or not exist yet.",
            exception.Message);
    }

    // The changes are the project's, not the program's.
    [Fact]
    public async Task ChangesAreTakenBackAfterARestart()
    {
        Drawn.Project(_folder["p"], 3, "circle", "star");
        await using (var first = await TestStudio.StartAsync(_folder["p"]))
        {
            await first.PostAsync("images/move", new { images = new[] { "circle/circle 0000.png" }, @class = "star" });
            await first.PostAsync("images/trash", new { images = new[] { "star/star 0001.png", "star/star 0002.png" } });
            await first.PostAsync("classes/rename", new { from = "circle", to = "ring" });
        }

        var journal = File.ReadAllText(_folder["p/undo.json"]);
        Assert.Contains("\"from\": \"star/star 0001.png\"", journal);
        Assert.DoesNotContain(_folder.Path, journal);
        Directory.Move(_folder["p"], _folder["moved"]); // a project is a folder
        await using var second = await TestStudio.StartAsync(_folder["moved"]);
        Assert.Equal("the new name of 'circle'", (await second.GetAsync("project")).GetProperty("undo").GetString());
        await second.PostAsync("undo");
        int[][] counts = [Counts(await second.PostAsync("undo")), Counts(await second.PostAsync("undo"))];
        Assert.Equal([[2, 4], [3, 3]], counts);
        Assert.Equal(["circle 0000.png", "circle 0001.png", "circle 0002.png"],
            Directory.GetFiles(_folder["moved/circle"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void OfManyChangesTheLastOnesAreKept()
    {
        var journal = new UndoJournal(_folder.Path);
        for (var i = 0; i < 203; i++)
        {
            journal.Add(new Change($"change {i}", default, [new Move("a/1.png", "b/1.png")]));
        }

        Assert.Equal((200, "change 3", "change 202"), (Kept().Length, Kept()[0], Kept()[^1]));

        var large = Enumerable.Range(0, 9_900).Select(i => new Move($"a/{i}.png", $"b/{i}.png")).ToArray();
        journal.Add(new Change("large", default, large));
        Assert.Equal(101, Kept().Length); // 10,000 files in all
        journal.Add(new Change("larger", default, [.. large, .. large]));
        Assert.Equal(["larger"], Kept()); // at least the last
        Assert.Equal("larger", new UndoJournal(_folder.Path).Last?.What);
        File.WriteAllText(_folder["undo.json"], "{ \"changes\": [");
        Assert.Null(new UndoJournal(_folder.Path).Last);

        string[] Kept() => [.. JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(_folder["undo.json"]))
            .GetProperty("changes").EnumerateArray().Select(change => change.GetProperty("what").GetString()!)];
    }

    [Fact]
    public async Task AClassIsRenamedOnDiskAndNotIntoAnother()
    {
        Drawn.Project(_folder["p"], 2, "circle", "star");
        await using var studio = await TestStudio.StartAsync(_folder["p"]);

        await studio.PostAsync("classes/rename", new { from = "circle", to = "Kreis ü" });
        using var taken = await studio.Client.PostAsJsonAsync("api/classes/rename", new { from = "star", to = "Kreis ü" });

        Assert.Equal(2, Directory.GetFiles(_folder["p/Kreis ü"]).Length);
        Assert.Equal(HttpStatusCode.Conflict, taken.StatusCode);
        await studio.PostAsync("undo");
        Assert.True(Directory.Exists(_folder["p/circle"]));
    }

    [Fact]
    public async Task WhatCannotBeReadIsThereTwiceOrLeaksIsFound()
    {
        var pictures = Drawn.Pictures("circle", 4);
        foreach (var (file, content) in new[]
        {
            ("train/circle/a.png", pictures[0]), ("train/circle/b.png", pictures[0]), ("train/circle/c.png", pictures[1]),
            ("train/star/d.png", pictures[2]), ("train/circle/e.png", pictures[2]), ("val/star/f.png", pictures[3]),
            ("val/circle/g.png", pictures[1]), ("train/star/h.png", "broken"u8.ToArray()), ("train/star/i.png",
                pictures[3][..(pictures[3].Length / 2)]),
        })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder[$"p/{file}"])!);
            File.WriteAllBytes(_folder[$"p/{file}"], content);
        }

        await using var studio = await TestStudio.StartAsync(_folder["p"]);
        var check = await studio.UntilAsync("check", each => !each.GetProperty("isRunning").GetBoolean() && each.GetProperty("done")
            .GetInt32() == 9);

        Assert.Equal(["train/star/h.png", "train/star/i.png"],
            check.GetProperty("unreadable").EnumerateArray().Select(each => each.GetProperty("image").GetString()));
        Assert.Equal(["train/circle/c.png val/circle/g.png"], Groups(check, "leaks"));
        Assert.Equal(["train/circle/e.png train/star/d.png"], Groups(check, "conflicts"));
        Assert.Equal(3, Groups(check, "duplicates").Length);
        Assert.DoesNotContain(_folder.Path, check.ToString());
    }

    [Fact]
    public async Task AZipFileIsUnpackedIntoItsClassesAndNowhereElse()
    {
        using var content = new MemoryStream();
        using (var zip = new ZipArchive(content, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var name in (string[])["photos/train/ant/1.png", "photos/val/ant/2.png", "photos/train/bee/3.png", "../../evil/4.png",
                "__MACOSX/photos/train/ant/1.png", "photos/train/bee/notes.txt", "5.png", "photos/train/../6.png"])
            {
                using var entry = zip.CreateEntry(name).Open();
                entry.Write(Drawn.Pictures("circle", 1)[0]);
            }
        }

        await using var studio = await TestStudio.StartAsync(_folder["p"]);
        using var answer = await studio.UploadAsync("photos.zip", content.ToArray());
        var project = await studio.GetAsync("project");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(["train", "val"], project.GetProperty("parts").EnumerateArray().Select(part => part.GetString()));
        Assert.True(File.Exists(_folder["p/train/ant/1.png"]) && File.Exists(_folder["p/val/ant/2.png"]));
        Assert.Equal(["p"], Directory.GetDirectories(_folder.Path).Select(Path.GetFileName));
        Assert.Empty(Directory.GetFiles(_folder.Path));
        Assert.Equal(2, (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("refused").GetArrayLength());
    }

    [Fact]
    public async Task AThumbnailIsSmallAndOfADamagedImageThereIsNone()
    {
        Directory.CreateDirectory(_folder["p/circle"]);
        File.WriteAllBytes(_folder["p/circle/large.png"], Drawn.Pictures("circle", 1, size: 800)[0]);
        File.WriteAllBytes(_folder["p/circle/broken.png"], "no image"u8.ToArray());
        await using var studio = await TestStudio.StartAsync(_folder["p"]);

        using var small = await studio.Client.GetAsync("api/thumbnail?image=circle/large.png&size=100");
        using var broken = await studio.Client.GetAsync("api/thumbnail?image=circle/broken.png");

        using var bitmap = SkiaSharp.SKBitmap.Decode(await small.Content.ReadAsByteArrayAsync());
        Assert.Equal((100, 100), (bitmap.Width, bitmap.Height));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, broken.StatusCode);
    }

    private static async Task<string[]> ImagesOf(TestStudio studio, string className) =>
        [.. (await studio.GetAsync($"images?class={className}")).GetProperty("images").EnumerateArray().Select(each => each.GetString()!)];

    private static int[] Counts(JsonElement project) =>
        [.. project.GetProperty("classes").EnumerateArray().Select(each => each.GetProperty("counts")[0].GetInt32())];

    private static string[] Groups(JsonElement check, string name) => [.. check.GetProperty(name).EnumerateArray()
        .Select(group => string.Join(' ', group.EnumerateArray().Select(each => each.GetString())))];
}
