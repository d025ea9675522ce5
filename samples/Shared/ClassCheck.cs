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

    /// <summary>Refuses test images of classes that are not trained.</summary>
    /// <remarks>ML.NET leaves out such images, and calls an accuracy of none 0 %.</remarks>
    /// <param name="labels">The label of each image that is trained on.</param>
    /// <param name="testLabels">That of each test image.</param>
    /// <exception cref="InvalidDataException">One is of another class.</exception>
    public static void RefuseUnknown(IReadOnlyCollection<string> labels, IReadOnlyCollection<string> testLabels)
    {
        if (testLabels.Except(labels).ToArray() is [var first, ..] unknown)
        {
            var count = testLabels.Count(unknown.Contains);
            throw new InvalidDataException(
                $"{count} of {testLabels.Count} test images are of classes that the training images do not have, such as '{first}'; those "
                + $"have {string.Join(", ", labels.Distinct().Order(StringComparer.Ordinal).Take(5).Select(name => $"'{name}'"))}. "
                + "Each sub-folder is a class: give --test a folder with sub-folders of the same names.");
        }
    }
}
