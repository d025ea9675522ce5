using System.CommandLine;
using System.Text.Json;

namespace Benchmarks.Peers;

/// <summary>
/// <c>peer</c>, which users do not see: does one competitor's work in this process, and prints what came of it as a line of JSON.
/// </summary>
internal static class PeerCommand
{
    public const string Name = "peer";

    private static readonly IPeer[] Peers =
    [
        OurTraining.Peer, NaiveTraining.Peer, StepFloor.Peer, TracedStep.Peer,
        ArithmeticPeak.Peer, OurScoring.Peer, OnnxScoring.Peer, ColdStart.Peer,
        PredictorStart.Peer, PredictedPhotographs.Peer, PredictedPhotographs.Decoding, PredictedPhotographs.Scoring,
        OurEpochs.Peer, Codec.Peer, FolderListing.Peer, ScoringMemory.Peer, FeaturizedPhotographs.Peer, ImageReading.Peer,
    ];

    public static Command Create()
    {
        var peer = new Argument<string>("name");
        var work = new Argument<string>("work");
        var command = new Command(Name) { peer, work };
        command.Hidden = true;
        command.SetAction(
            arguments => Console.WriteLine(Peers.Single(each => each.Name == arguments.GetValue(peer)).Answer(arguments.GetValue(work)!)));
        return command;
    }
}

/// <summary>
/// Work that is done in a process of its own: what another run left in the allocator, in caches or in thread pools would distort it.
/// </summary>
internal interface IPeer
{
    string Name { get; }

    string Answer(string work);
}

/// <inheritdoc cref="IPeer"/>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Do">Does the work; to be called in the child process only.</param>
internal sealed record Peer<TWork, TResult>(string Name, Func<TWork, TResult> Do) : IPeer
    where TResult : class
{
    public string Answer(string work) => JsonSerializer.Serialize(Do(JsonSerializer.Deserialize<TWork>(work)!));

    /// <summary>Starts a process that does the work.</summary>
    /// <param name="work">The work.</param>
    /// <param name="environment">Variables to start it with.</param>
    /// <returns>What came of it; null if it failed, of which the user is told.</returns>
    public TResult? Run(TWork work, params ReadOnlySpan<(string Name, string Value)> environment)
    {
        var start = ChildProcess.Self([PeerCommand.Name, Name, JsonSerializer.Serialize(work)]);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return ChildProcess.Run<TResult>(Name, start);
    }
}
