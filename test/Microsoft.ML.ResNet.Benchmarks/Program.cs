// The library against what a user would pick instead: each command is a file in Runs/, each competitor one in Peers/.
using System.CommandLine;
using Benchmarks;
using Benchmarks.Peers;
using Benchmarks.Runs;
using Benchmarks.Scaling;

IRun[] runs =
[
    new TrainRun(), new ScoreRun(), new PredictRun(), new FeaturizeRun(), new DataRun(), new ShardRun(), new MemoryRun(), new GrowthRun(),
];
var command = new RootCommand("Measures ratios side by side, prints them, and writes them to docs/BENCHMARKS.md.") { PeerCommand.Create() };
command.Add(BenchmarkCommand.Create("all", "Everything below.", runs));
command.Add(ScalingCommand.Create());
foreach (var run in runs)
{
    command.Add(BenchmarkCommand.Create(run.Name, run.Description, run));
}

return command.Parse(args).Invoke();
