using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Tests.Files;

public sealed class TemporaryFileTests
{
    [Fact]
    public void ItsFolderGoesWithIt()
    {
        var file = new TemporaryFile("network.onnx");
        File.WriteAllText(file.Path, "network");

        file.Dispose();

        Assert.False(Directory.Exists(Path.GetDirectoryName(file.Path)));
    }

    [Fact]
    public void TheFilesOfDeadProcessesAreDeletedAndThoseOfLivingOnesAreNot()
    {
        using var living = new TemporaryFile("network.onnx");
        File.WriteAllText(living.Path, "network");
        Age(living.Path + ".owner");
        var dead = Folder("network.onnx", "network.onnx.owner");
        var withSomethingElse = Folder("network.onnx", "network.onnx.owner", "a user's");
        var notOurs = Folder("network.onnx");
        try
        {
            TemporaryFile.DeleteOrphans();

            Assert.False(Directory.Exists(dead));
            Assert.True(File.Exists(living.Path));
            Assert.True(File.Exists(living.Path + ".owner"));
            Assert.Equal(["a user's"], Directory.GetFiles(withSomethingElse).Select(Path.GetFileName));
            Assert.True(File.Exists(Path.Combine(notOurs, "network.onnx")));
        }
        finally
        {
            Directory.Delete(withSomethingElse, recursive: true);
            Directory.Delete(notOurs, recursive: true);
        }
    }

    private static string Folder(params string[] names)
    {
        var folder = Directory.CreateTempSubdirectory("resnet-").FullName;
        foreach (var name in names)
        {
            File.WriteAllText(Path.Combine(folder, name), "left behind");
            Age(Path.Combine(folder, name));
        }

        return folder;
    }

    private static void Age(string path) => File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddMinutes(-1));
}
