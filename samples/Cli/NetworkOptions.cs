using System.CommandLine;
using System.Security.Cryptography;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Files;

namespace Cli;

/// <summary>What every command that reads a network is told about it.</summary>
internal sealed class NetworkOptions
{
    public static readonly Dictionary<string, ImagePreprocessing> Preprocessings = new(StringComparer.OrdinalIgnoreCase)
    {
        ["imagenet1k_v1"] = ImagePreprocessing.ImageNetV1,
        ["imagenet1k_v2"] = ImagePreprocessing.ImageNetV2,
        ["cifar10"] = ImagePreprocessing.Cifar10,
    };

    // Of files of weights. Names of published ones have a point too.
    private static readonly HashSet<string> Extensions = new([".zip", ".safetensors", ".pt", ".pth", ".th", ".onnx"],
        StringComparer.OrdinalIgnoreCase);

    // The largest is half as long; no others are worth hashing.
    private const long LongestPublished = 1L << 30;

    private const string ModelDescription =
        "A model.zip of this library, .safetensors, .pt, .pth, .th or .onnx; or the name of published weights, such as "
        + "resnet50.imagenet1k_v2, which are downloaded once; 'resnet weights' lists them.";

    private readonly Argument<string> _model = new("model") { Description = ModelDescription };

    // Null where the model is the command's first argument.
    private readonly Option<string>? _modelOption;
    private readonly string? _pretrained;

    private readonly Option<ResNetArchitecture?> _architecture = ArchitectureOption(
        "The network, such as resnet50. [default: what the file says, or what its tensors fit]");

    private readonly Option<string?> _classes = new("--classes")
    {
        Description = "A text file with the classes' names, one a line, in the order of the network's outputs. "
            + "[default: those in the file, or 0, 1, 2, …]",
        HelpName = "file",
    };

    private readonly Option<string?> _preprocessing = new("--preprocessing")
    {
        Description = "How images become the network's input, where the file does not say.",
        HelpName = string.Join('|', Preprocessings.Keys),
        CustomParser = result =>
        {
            var name = result.Tokens[^1].Value;
            if (!Preprocessings.ContainsKey(name))
            {
                string[] names = [.. Preprocessings.Keys];
                result.AddError($"--preprocessing is '{name}', but must be {Spelling.OneOf(names)}.{Spelling.Suggestion(name, names)}");
            }

            return name;
        },
    };

    /// <param name="pretrained">
    /// The pretrained network that is taken where no model is given: it is an option then. Null where a command does nothing without a
    /// model.
    /// </param>
    public NetworkOptions(string? pretrained = null)
    {
        _preprocessing.CompletionSources.Add([.. Preprocessings.Keys]);
        _pretrained = pretrained;
        _modelOption = pretrained is null ? null : new Option<string>("--model")
        {
            Description = $"{ModelDescription} {pretrained} is the one that comes with this tool, or else a download.",
            DefaultValueFactory = _ => pretrained,
            HelpName = "model",
        }.Named();
    }

    /// <summary>Makes an option that takes the name of a network, and completes it.</summary>
    public static Option<ResNetArchitecture?> ArchitectureOption(string description)
    {
        string[] names = [.. ResNetArchitecture.All.Select(architecture => architecture.Name)];
        var option = new Option<ResNetArchitecture?>("--arch")
        {
            Description = description,
            HelpName = "name",
            CustomParser = result =>
            {
                var name = result.Tokens[^1].Value;
                if (ResNetArchitecture.All.FirstOrDefault(each => each.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } found)
                {
                    return found;
                }

                result.AddError($"--arch is '{name}', but there is no such network.{Spelling.Suggestion(name, names)} There are: "
                    + $"{string.Join(", ", names)}.");
                return null;
            },
        };
        option.CompletionSources.Add(names);
        return option;
    }

    public void AddTo(Command command)
    {
        if (_modelOption is null)
        {
            command.Add(_model);
        }
        else
        {
            command.Add(_modelOption);
        }

        command.Add(_architecture);
        command.Add(_classes);
        command.Add(_preprocessing);
    }

    /// <summary>Gets what was given as the model.</summary>
    public string Source(ParseResult arguments) =>
        (_modelOption is null ? arguments.GetValue(_model) : arguments.GetValue(_modelOption))!;

    /// <summary>Reads the network.</summary>
    /// <exception cref="ArgumentException">
    /// It is not told which network the weights belong to, or the classes' names are not as many as its outputs.
    /// </exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file holds no weights that can be read.</exception>
    public Network Load(ParseResult arguments, Terminal terminal, CancellationToken cancellation)
    {
        var source = Source(arguments);
        var weights = source == _pretrained && !File.Exists(source)
            ? ReadPretrained(source, terminal, cancellation)
            : Read(source, terminal, cancellation);
        if (arguments.GetValue(_classes) is { } classes)
        {
            weights = new ResNetWeights(weights.Tensors)
            {
                ArchitectureName = weights.ArchitectureName,
                Architecture = weights.Architecture,
                Preprocessing = weights.Preprocessing,
                ClassNames = [.. Lines(classes)],
                Card = weights.Card,
            };
        }

        var preprocessing = weights.Preprocessing ?? (arguments.GetValue(_preprocessing) is { } name ? Preprocessings[name] : null);
        return new Network(source, weights, Architecture(arguments.GetValue(_architecture), weights, source, terminal), preprocessing);
    }

    /// <summary>Reads the network to use it. A model of ML.NET is run as it is, quantized or not, unless an option says what else it is.
    /// </summary>
    /// <inheritdoc cref="Load" path="/exception"/>
    public Classifier Open(ParseResult arguments, ImageReader reader, Terminal terminal, CancellationToken cancellation)
    {
        var source = Source(arguments);
        var isWhole = Path.GetExtension(source).Equals(".zip", StringComparison.OrdinalIgnoreCase) && File.Exists(source);
        var isChanged = arguments.GetValue(_architecture) is not null
            || arguments.GetValue(_classes) is not null
            || arguments.GetValue(_preprocessing) is not null;
        return isWhole && !isChanged
            ? Classifier.Open(source, reader)
            : Classifier.Of(Load(arguments, terminal, cancellation), reader);
    }

    /// <summary>Reads weights from a file, or from this user's cache of published ones.</summary>
    public static ResNetWeights Read(string source, Terminal terminal, CancellationToken cancellation)
    {
        if (IsPublishedName(source))
        {
            return terminal.Track(
                $"downloading {source}", bar => ResNetWeights.Download(source, new Share(bar), cancellationToken: cancellation));
        }

        if (!File.Exists(source) && !Directory.Exists(source))
        {
            throw NotFound(source);
        }

        var weights = ResNetWeights.Load(source, cancellationToken: cancellation);
        return weights.Preprocessing is null && Published(source) is { } published
            ? new ResNetWeights(weights.Tensors)
            {
                ArchitectureName = published.Architecture.Name,
                Preprocessing = published.Preprocessing,
                ClassNames = weights.ClassNames,
            }
            : weights;
    }

    /// <summary>Reads the model card of a file; null where it has none, as published weights have none.</summary>
    public static ModelCard? ReadCard(string source) => IsPublishedName(source) ? null
        : File.Exists(source) || Directory.Exists(source) ? ModelCard.Load(source)
        : throw NotFound(source);

    // What is on this machine first: nothing is downloaded that is here already.
    private static ResNetWeights ReadPretrained(string name, Terminal terminal, CancellationToken cancellation)
    {
        try
        {
            return ResNetWeights.Pretrained(name);
        }
        catch (FileNotFoundException)
        {
            return Read(PublishedWeights.All.First(weights => weights.Architecture.Name == name).Name, terminal, cancellation);
        }
    }

    private static bool IsPublishedName(string source) => !File.Exists(source)
        && PublishedWeights.All.Any(each => each.Name.Equals(source, StringComparison.OrdinalIgnoreCase));

    private static FileNotFoundException NotFound(string source)
    {
        string[] names = [.. PublishedWeights.All.Select(each => each.Name)];
        return Path.GetFileName(source) != source || Extensions.Contains(Path.GetExtension(source))
            ? new FileNotFoundException($"There is no file '{source}'.")
            : new FileNotFoundException(
                $"There is no file '{source}', and no published weights have that name.{Spelling.Suggestion(source, names)} There are: "
                + $"{string.Join(", ", names)}.");
    }

    // A published checkpoint does not say how images become its input, but it can be recognised by its hash.
    private static PublishedWeights? Published(string path)
    {
        using var file = RegularFile.OpenRead(path);
        if (file.Length > LongestPublished)
        {
            return null;
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(file));
        return PublishedWeights.All.FirstOrDefault(each => hash.StartsWith(each.Sha256Prefix, StringComparison.Ordinal));
    }

    private static IEnumerable<string> Lines(string path)
    {
        using var reader = new StreamReader(RegularFile.OpenRead(path));
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }

    private static ResNetArchitecture Architecture(ResNetArchitecture? asked, ResNetWeights weights, string source, Terminal terminal)
    {
        if ((asked ?? weights.Architecture) is { } known)
        {
            return known;
        }

        if (weights.ArchitectureName is { } name)
        {
            return ResNetArchitecture.Parse(name);
        }

        var candidates = TensorFit.Candidates(weights);
        if (candidates.IsEmpty)
        {
            throw new ArgumentException($"The tensors of '{source}' are not those of any network that this library knows. "
                + "'resnet inspect' lists them; --arch says how they differ from a network's.");
        }

        if (candidates.Length > 1)
        {
            terminal.Say($"'{source}' has the tensors of {string.Join(" and ", candidates.Select(each => each.Name))}, "
                + $"and does not say which it is: taken as {candidates[0]}. Say it with --arch.");
        }

        return candidates[0];
    }

    private sealed class Share(Spectre.Console.ProgressTask? task) : IProgress<double>
    {
        public void Report(double value) => task?.Value = 100 * value;
    }
}
