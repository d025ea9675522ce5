using System.CommandLine;
using Benchmarks.Peers;
using Benchmarks.Report;
using Microsoft.ML.ResNet.Trainers;

namespace Benchmarks.Scaling;

/// <summary><c>scaling</c>: how training scales over machines, by a model that is held against what was measured.</summary>
internal static class ScalingCommand
{
    public static Command Create()
    {
        var command = new Command("scaling", "Writes the tables and the plot of docs/scaling.md by the model of a step.")
        {
            Step(), Wire(),
        };
        command.SetAction(_ =>
        {
            var path = Path.Combine(Checkout.Docs, "scaling.md");
            File.WriteAllText(path, ScalingPage.WithTables(File.ReadAllText(path)));
            ScalingChart.Write("resnet50", "images/scaling.svg");
        });
        return command;
    }

    private static Command Step()
    {
        var architecture = new Option<string>("--arch") { DefaultValueFactory = _ => "resnet18" };
        var size = new Option<int>("--image-size") { DefaultValueFactory = _ => 224 };
        var batch = new Option<int>("--batch-size") { DefaultValueFactory = _ => 16, Description = "The images of a step." };
        var seconds = new Option<double>("--seconds") { DefaultValueFactory = _ => 8 };
        var alone = new Option<bool>("--alone") { Description = "Each process trains by itself." };
        var exchange = new Option<GradientExchange>("--exchange") { Description = "The format of gradients that are exchanged." };
        var own = new Option<bool>("--own-statistics") { Description = "Batch normalization has the statistics of each process." };
        var command = new Command("step", "Under mpirun: prints the time of a training step, of one thread in each process.")
        {
            architecture, size, batch, seconds, alone, exchange, own,
        };
        command.SetAction(arguments =>
        {
            var images = arguments.GetValue(batch);
            var steps = arguments.GetValue(size) > 64 ? 16 : 64; // of an epoch, at whose end ranks compare all they have
            var work = new TrainingWork(
                arguments.GetValue(architecture)!, arguments.GetValue(size), images, MeasuredStep.Classes, Folder: "", steps * images,
                Threads: 1, WarmUp: arguments.GetValue(seconds) / 4, arguments.GetValue(seconds));
            StepProbe.Step(work, arguments.GetValue(alone), arguments.GetValue(exchange), syncs: !arguments.GetValue(own));
        });
        return command;
    }

    private static Command Wire()
    {
        var gradients = new Option<long>("--gradients") { DefaultValueFactory = _ => MeasuredWire.Gradients };
        var command = new Command("wire", "Under mpirun: prints the time of a small message, and of the sum of gradients.") { gradients };
        command.SetAction(arguments => StepProbe.Wire(arguments.GetValue(gradients)));
        return command;
    }
}
