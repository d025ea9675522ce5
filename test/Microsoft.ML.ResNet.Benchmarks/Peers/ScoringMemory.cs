using System.Diagnostics;
using Microsoft.ML.Data;

namespace Benchmarks.Peers;

/// <summary>Scores many rows through <c>model.Transform</c>, and looks at the process's memory on the way.</summary>
/// <param name="Scoring">The network and its images.</param>
/// <param name="Rows">Rows to score.</param>
internal sealed record ScoringMemory(ScoringWork Scoring, long Rows)
{
    /// <summary>How often memory is looked at.</summary>
    public const int Looks = 10;

    public static readonly Peer<ScoringMemory, ScoringMemoryResult> Peer = new("score-memory", Score);

    private static ScoringMemoryResult Score(ScoringMemory work)
    {
        var ml = new MLContext(seed: 1);
        using var model = OurScoring.Model(ml, work.Scoring);
        var view = model.Transform(new ScoringRows(work.Scoring.ImageSize).View(ml, work.Scoring.FromImages, row => row < work.Rows));
        var (clock, resident) = (Stopwatch.StartNew(), new List<long>());
        using (var cursor = view.GetRowCursor([view.Schema["Score"]]))
        {
            var (getScore, score) = (cursor.GetGetter<VBuffer<float>>(view.Schema["Score"]), default(VBuffer<float>));
            while (cursor.MoveNext())
            {
                getScore(ref score);
                if ((cursor.Position + 1) % (work.Rows / Looks) == 0)
                {
                    // What is held counts: garbage may wait until it fills the processor's last cache, which is
                    // how .NET sizes its youngest generation.
                    GC.Collect();
                    using var now = Process.GetCurrentProcess();
                    resident.Add(now.WorkingSet64);
                }
            }
        }

        return new ScoringMemoryResult([.. resident], clock.Elapsed.TotalSeconds);
    }
}

/// <summary>Memory after each tenth of the rows, in bytes, and the seconds that all took.</summary>
internal sealed record ScoringMemoryResult(long[] Resident, double Seconds);
