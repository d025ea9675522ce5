using System.CommandLine;
using System.CommandLine.Help;

namespace Cli;

/// <summary>The tool: its commands, each in a file of its own.</summary>
internal static class Tool
{
    public static RootCommand Create()
    {
        var tool = new RootCommand(
            "Residual networks (He et al., 2016) for images: train, test, apply, convert. A model is a model.zip of this library, or "
            + "weights in safetensors, PyTorch or ONNX files, or published ones by their name. Only 'train' and 'find-lr' need "
            + "libtorch; 'studio', 'report' and 'doctor' use it.")
        {
            Terminal.Json,
            StudioCommand.Create(),
            TrainCommand.Create(),
            FindLearningRateCommand.Create(),
            EvaluateCommand.Create(),
            PredictCommand.Create(),
            FeaturizeCommand.Create(),
            SimilarCommand.Create(),
            ReportCommand.Create(),
            CleanCommand.Create(),
            ShardCommand.Create(),
            ExportCommand.Create(),
            QuantizeCommand.Create(),
            InspectCommand.Create(),
            WeightsCommand.Create(),
            RecipeCommand.Create(),
            DoctorCommand.Create(),
        };
        tool.SetAction(arguments => new HelpAction().Invoke(arguments)); // without a command
        return tool;
    }
}
