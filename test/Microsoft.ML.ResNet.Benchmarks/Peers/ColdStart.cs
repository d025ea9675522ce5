using System.Diagnostics;

namespace Benchmarks.Peers;

/// <summary>
/// A fresh process that loads a saved model and predicts once; or, without a model, one that does nothing but use ML.NET.
/// </summary>
/// <param name="Model">The saved model; null for none.</param>
/// <param name="ImageSize">Height and width of the image, in pixels.</param>
internal sealed record ColdStart(string? Model, int ImageSize)
{
    /// <summary>Gets whether to collect what loading left behind, as docs/deployment.md advises where memory is short.</summary>
    public bool Collect { get; init; }

    public static readonly Peer<ColdStart, ColdStartResult> Peer = new("cold", Start);

    private static ColdStartResult Start(ColdStart work)
    {
        var ml = new MLContext(seed: 1);
        if (work.Model is not null)
        {
            var rows = new ScoringRows(work.ImageSize);
            var model = ml.Model.Load(work.Model, out _);
            if (work.Collect)
            {
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            }

            using var engine = ml.Model.CreatePredictionEngine<PixelRow, ScoreRow>(model, inputSchemaDefinition: rows.Schema<PixelRow>());
            engine.Predict(rows.Pixels(0));
        }

        using var process = Process.GetCurrentProcess();
        return new ColdStartResult((DateTime.Now - process.StartTime).TotalSeconds, process.WorkingSet64, process.PeakWorkingSet64);
    }
}

/// <summary>How a fresh process did.</summary>
/// <param name="Seconds">From the start of the process to the first prediction.</param>
/// <param name="Resident">Memory after it, in bytes.</param>
/// <param name="Peak">The most memory that it had, in bytes.</param>
internal sealed record ColdStartResult(double Seconds, long Resident, long Peak);
