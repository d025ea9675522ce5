using Benchmarks.Data;

namespace Benchmarks;

/// <summary>How thoroughly, and on what, to measure.</summary>
internal sealed record Settings
{
    public required BenchmarkImages Images { get; init; }

    /// <summary>Gets whether coarse figures are enough.</summary>
    public bool Quick { get; init; }

    /// <summary>Gets how often each competitor is measured.</summary>
    /// <value>The default is 3.</value>
    public int Repeats { get; init; } = 3;

    /// <summary>Gets whether to make and list a folder of a million images.</summary>
    public bool Million { get; init; }

    /// <summary>Gets what the names of the rows to measure contain; null for all.</summary>
    public string? Only { get; init; }

    /// <summary>Gets the threads that everybody computes with.</summary>
    public int Threads { get; } = Environment.ProcessorCount;

    public bool Includes(string name) => Only is null || name.Contains(Only, StringComparison.OrdinalIgnoreCase);

    public override string ToString() =>
        $"{(Quick ? "quick: few and short repeats, so coarse figures" : $"median of {Repeats} alternated repeats")}; threads: {Threads}; "
            + $"small images: {Images.SmallSource}; photographs: {Images.PhotoSource}";
}
