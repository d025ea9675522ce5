using System.Diagnostics;

namespace Benchmarks.Peers;

/// <summary>
/// A fresh process that opens a saved model with a predictor and classifies an image file; or, without a model, does nothing.
/// </summary>
/// <param name="Model">The saved model; null for none.</param>
/// <param name="Image">The image file.</param>
internal sealed record PredictorStart(string? Model, string Image)
{
    public static readonly Peer<PredictorStart, ColdStartResult> Peer = new("predictor-start", Start);

    private static ColdStartResult Start(PredictorStart work)
    {
        if (work.Model is not null)
        {
            using var predictor = ResNetPredictor.Load(work.Model);
            predictor.Predict(work.Image);
            return Measure(); // before it is disposed
        }

        return Measure();
    }

    private static ColdStartResult Measure()
    {
        using var process = Process.GetCurrentProcess();
        return new ColdStartResult((DateTime.Now - process.StartTime).TotalSeconds, process.WorkingSet64, process.PeakWorkingSet64);
    }
}
