using System.CommandLine;
using System.CommandLine.Parsing;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>The form of an ONNX model, as a user asks for it.</summary>
internal sealed class OnnxOptions
{
    private readonly Option<int?> _batchSize = OptionValues.Whole("--batch-size", "ONNX: images per call. [default: any number]", least: 1);
    private readonly Option<bool> _floatInput = new("--float-input") { Description = "ONNX: the input is floats, rather than bytes." };
    private readonly Option<bool> _channelsLast = new("--channels-last")
    {
        Description = "ONNX: the input is [batch, height, width, channels], rather than [batch, channels, height, width].",
    };
    private readonly Option<bool> _noPreprocessing = new("--no-preprocessing")
    {
        Description = "ONNX: cropping and normalization are left to the caller.",
    };
    private readonly Option<bool> _foldBatchNorm = new("--fold-batch-norm")
    {
        Description = "ONNX: batch normalization is folded into the convolutions.",
    };
    private readonly Option<bool> _logits = new("--logits") { Description = "ONNX: the output is logits, rather than probabilities." };

    private Option[] All => [_batchSize, _floatInput, _channelsLast, _noPreprocessing, _foldBatchNorm, _logits];

    public void AddTo(Command command)
    {
        foreach (var option in All)
        {
            command.Add(option);
        }
    }

    /// <summary>Tells whether anything is asked for, while arguments are checked.</summary>
    public bool AreGiven(CommandResult result) => All.Any(option => result.GetResult(option) is { Implicit: false });

    public OnnxExportOptions Read(ParseResult arguments) => new()
    {
        BatchSize = arguments.GetValue(_batchSize),
        ByteInput = arguments.GetValue(_floatInput) ? false : null,
        ChannelsLast = arguments.GetValue(_channelsLast),
        IncludePreprocessing = !arguments.GetValue(_noPreprocessing),
        FoldBatchNorm = arguments.GetValue(_foldBatchNorm),
        Softmax = !arguments.GetValue(_logits),
    };
}
