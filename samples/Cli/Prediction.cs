namespace Cli;

/// <summary>What an image was found to be.</summary>
/// <param name="File">The image's path, or - for standard input.</param>
/// <param name="Classes">The likeliest classes, the likeliest first.</param>
internal sealed record Prediction(string File, ClassProbability[] Classes)
{
    /// <summary>Writes one for another process.</summary>
    public static void Write(BinaryWriter writer, Prediction prediction)
    {
        writer.Write(prediction.File);
        writer.Write(prediction.Classes.Length);
        foreach (var (name, probability) in prediction.Classes)
        {
            writer.Write(name);
            writer.Write(probability);
        }
    }

    /// <summary>Reads what another process wrote.</summary>
    public static Prediction Read(BinaryReader reader)
    {
        var (file, classes) = (reader.ReadString(), new ClassProbability[reader.ReadInt32()]);
        for (var i = 0; i < classes.Length; i++)
        {
            classes[i] = new ClassProbability(reader.ReadString(), reader.ReadSingle());
        }

        return new Prediction(file, classes);
    }
}

/// <summary>A class and its probability.</summary>
/// <param name="Name">The class.</param>
/// <param name="Probability">0 to 1.</param>
internal sealed record ClassProbability(string Name, float Probability);
