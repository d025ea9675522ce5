using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

/// <summary>
/// A network with random weights, in a file, and pictures to use it on. What the tool says is held against what the library says.
/// </summary>
public sealed class CliFixture : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly MLContext _ml = new();
    private readonly ResNetClassificationTransformer _model;

    public CliFixture()
    {
        Pictures.Write(Images, perClass: 3, height: 20, width: 24);
        Untrained.Save(Safetensors);
        var files = _ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(_ml.Data.LoadImageFolder(Images));
        _model = _ml.Transforms.ApplyResNet(Untrained, ResNetArchitecture.Plain20).Fit(files.Transform(_ml.Data.LoadImageFolder(Images)));
        _ml.Model.Save(files.Append(_model), _ml.Data.LoadImageFolder(Images).Schema, ModelZip);
        _model.ExportOnnx(Onnx);
    }

    /// <summary>Gets class names that a careless CSV writer would break.</summary>
    internal static string[] ClassNames { get; } = ["diagonal", "lying, \"flat\"", "standing"];

    /// <summary>Gets weights of a network whose tensors are those of another one too.</summary>
    internal static ResNetWeights Untrained { get; } = new(
        ResNetWeights.Initialize(LayerPlan.Create(ResNetArchitecture.Plain20, new ImageShape(3, 16, 16), 3), seed: 1).Tensors)
    {
        ArchitectureName = "plain20",
        ClassNames = [.. ClassNames],
        Preprocessing = new ImagePreprocessing(new ImageShape(3, 16, 16), [100, 110, 120], [60, 61, 62]),
    };

    internal string Images => _folder["images"];

    internal string Safetensors => _folder["network.safetensors"];

    internal string ModelZip => _folder["model.zip"];

    internal string Onnx => _folder["network.onnx"];

    internal static ProcessResult Resnet(params string[] arguments) => SharedTool.RunFirstAlone(arguments);

    internal static ProcessResult Resnet(byte[] input, params string[] arguments) => SharedTool.RunFirstAlone(arguments, input);

    /// <summary>Runs the tool in a process of its own, for what might end it or fill its memory.</summary>
    internal static ProcessResult ResnetAlone(params string[] arguments) =>
        SampleProcess.Run("dotnet", [SampleProcess.Assembly("Cli", "resnet"), .. arguments]);

    internal string File(string name) => _folder[name];

    /// <summary>Gets what the library says about a picture.</summary>
    internal float[] Scores(string path)
    {
        var rows = _ml.Transforms.LoadImages("Image", null, "ImagePath")
            .Fit(_ml.Data.LoadImageFolder(Images))
            .Transform(_ml.Data.LoadFromEnumerable([new ImageFolderRow { ImagePath = path }]));
        return _model.Transform(rows).GetColumn<float[]>("Score").Single();
    }

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }
}
