namespace Samples;

/// <summary>Looks at the classes of a folder of images, before any of them is decoded.</summary>
internal static class ClassCheck
{
    /// <summary>Refuses images that are all of one class.</summary>
    /// <remarks>ML.NET's own trainers say no more than "Must be at least 2.", once all images went through the network.</remarks>
    /// <param name="labels">The label of each image.</param>
    /// <param name="folder">The folder, a sub-folder of which is a class.</param>
    /// <exception cref="InvalidDataException">They are.</exception>
    public static void RefuseOneClass(IReadOnlyCollection<string> labels, string folder)
    {
        if (labels.Distinct().ToArray() is [var only])
        {
            throw new InvalidDataException(
                $"Label column 'Label' has one class only, '{only}', for all {labels.Count} images of '{folder}', but a classifier needs "
                + "at least two. Each sub-folder is a class: give --data a folder that has two or more.");
        }
    }
}
