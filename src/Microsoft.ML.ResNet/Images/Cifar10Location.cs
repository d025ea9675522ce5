using Microsoft.ML.ResNet.Interop;

namespace Microsoft.ML.ResNet.Images;

/// <summary>Finds out in which form CIFAR-10 lies at a path, and loads it.</summary>
internal static class Cifar10Location
{
    private const string TrainFolder = "train";
    private const string TestFolder = "test";

    public static Cifar10 Load(DataOperationsCatalog catalog, string path)
    {
        if (File.Exists(path))
        {
            return FromRecords(Cifar10Archive.Read(path));
        }

        if (!Directory.Exists(path))
        {
            throw new FileNotFoundException($"There is no CIFAR-10 at '{path}' (looked for '{Path.GetFullPath(path)}').", path);
        }

        string[] binary = [path, Path.Combine(path, Cifar10Archive.Folder)];
        if (Array.Find(binary, folder => Cifar10Batch.Files.Any(name => File.Exists(Path.Combine(folder, name)))) is { } found)
        {
            return FromRecords(Cifar10Batch.Files.ToDictionary(name => name, name => ReadBatch(Path.Combine(found, name))));
        }

        var (train, test) = (Path.Combine(path, TrainFolder), Path.Combine(path, TestFolder));
        return Directory.Exists(train) && Directory.Exists(test)
            ? new Cifar10(FromImages(catalog, train), FromImages(catalog, test))
            : throw new InvalidDataException(
                $"Folder '{path}' holds neither {string.Join(", ", Cifar10Batch.Files)}, nor a folder {Cifar10Archive.Folder} with them, "
                + $"nor folders {TrainFolder} and {TestFolder} with an image folder for each class.");
    }

    private static Cifar10 FromRecords(Dictionary<string, ReadOnlyMemory<byte>[]> files) =>
        new(new Cifar10View([.. Cifar10Batch.TrainFiles.SelectMany(name => files[name])]), new Cifar10View(files[Cifar10Batch.TestFile]));

    private static ReadOnlyMemory<byte>[] ReadBatch(string path)
    {
        using var file = File.Exists(path)
            ? File.OpenRead(path)
            : throw new FileNotFoundException($"'{path}' is missing; CIFAR-10 is {string.Join(", ", Cifar10Batch.Files)}.", path);
        try
        {
            return Cifar10Batch.Read($"'{path}'", file.Length, file.ReadExactly);
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"This is no CIFAR-10: {exception.Message}.", exception);
        }
    }

    // Resizing gives the column the type that it has for binary data; images of 32×32 pixels pass unchanged.
    private static IDataView FromImages(DataOperationsCatalog catalog, string folder)
    {
        var files = ImageFolder.List(folder);
        var classes = files.ClassNames.ToHashSet();
        if (!classes.SetEquals(Cifar10.ClassNames))
        {
            throw new InvalidDataException(
                $"Folder '{folder}' must have a folder of images for each of {string.Join(", ", Cifar10.ClassNames)}, "
                + $"but has them for {string.Join(", ", classes)}. LoadImageFolder reads other classes.");
        }

        var rows = catalog.LoadFromEnumerable(files.ToArray());
        var transforms = MLNetInternals.NewTransformsCatalog(catalog.GetEnvironment());
        return transforms.LoadImages(Cifar10View.ImageColumnName, null, nameof(ImageFolderRow.ImagePath))
            .Append(transforms.ResizeImages(Cifar10View.ImageColumnName, Cifar10Batch.ImageSize, Cifar10Batch.ImageSize))
            .Fit(rows).Transform(rows);
    }
}
