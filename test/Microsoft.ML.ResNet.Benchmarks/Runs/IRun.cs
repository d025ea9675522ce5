using Benchmarks.Report;

namespace Benchmarks.Runs;

/// <summary>A measurement: one command, and one section of docs/BENCHMARKS.md.</summary>
internal interface IRun
{
    /// <summary>Gets the command's name.</summary>
    string Name { get; }

    string Description { get; }

    Section Measure(Settings settings);
}
