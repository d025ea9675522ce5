using System.Diagnostics;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Onnx;

namespace Benchmarks.Peers;

/// <summary>The library's classifier in an ML.NET pipeline.</summary>
internal static class OurScoring
{
    // How accurate the quantized network is does not matter here.
    private const int CalibrationRows = 16;

    private const int WarmUpRows = 32;

    public static readonly Peer<ScoringWork, ScoringRate> Peer = new("score", Score);

    /// <summary>Makes a classifier with random weights.</summary>
    public static ResNetClassificationTransformer Model(MLContext ml, ScoringWork work)
    {
        var preprocessing = new ImagePreprocessing(new ImageShape(3, work.ImageSize, work.ImageSize), [124, 116, 104], [58, 57, 57]);
        var some = new ScoringRows(work.ImageSize).View(ml, work.FromImages, row => row < CalibrationRows);
        var model = ml.Transforms.ApplyResNet(
            ResNetWeights.Initialize(work.Plan, seed: 1), work.Plan.Architecture, preprocessing: preprocessing)
            .Fit(some);
        if (!work.Quantized)
        {
            return model;
        }

        using (model)
        {
            return model.Quantize(some);
        }
    }

    private static ScoringRate Score(ScoringWork work)
    {
        var ml = new MLContext(seed: 1);
        if (work.OneThreadPerCall)
        {
            ml.SetOnnxSessionOption(new OnnxSessionOptions { IntraOpNumThreads = 1 });
        }

        using var model = Model(ml, work);
        return new ScoringRate(work.Way == Way.Transform ? Transform(ml, model, work) : Predict(ml, model, work));
    }

    // ML.NET reads rows ahead and on several threads, and hands them out in bursts: only whole passes can be timed.
    private static double Transform(MLContext ml, ITransformer model, ScoringWork work)
    {
        var rate = WarmUpRows / Pass(ml, model, work, WarmUpRows);
        foreach (var seconds in (double[])[work.WarmUp, work.Seconds])
        {
            var rows = Math.Max(WarmUpRows, (long)(rate * seconds));
            rate = rows / Pass(ml, model, work, rows);
        }

        return rate;
    }

    private static double Pass(MLContext ml, ITransformer model, ScoringWork work, long rows)
    {
        var clock = Stopwatch.StartNew();
        var view = model.Transform(new ScoringRows(work.ImageSize).View(ml, work.FromImages, row => row < rows));
        using var cursor = view.GetRowCursor([view.Schema["Score"]]);
        var (getScore, score) = (cursor.GetGetter<VBuffer<float>>(view.Schema["Score"]), default(VBuffer<float>));
        while (cursor.MoveNext())
        {
            getScore(ref score);
        }

        return clock.Elapsed.TotalSeconds;
    }

    private static double Predict(MLContext ml, ITransformer model, ScoringWork work)
    {
        var rows = new ScoringRows(work.ImageSize);
        var clock = new StepClock(work.WarmUp, work.Seconds, work.WarmUpRows);
        var (gate, scored) = (new Lock(), 0L);
        var callers = Enumerable.Range(0, work.Callers)
            .Select(_ => new Thread(work.FromImages ? Call<ImageRow>(rows.Image) : Call<PixelRow>(rows.Pixels)))
            .ToArray();
        Array.ForEach(callers, caller => caller.Start());
        Array.ForEach(callers, caller => caller.Join());
        return clock.StepsPerSecond;

        ThreadStart Call<TRow>(Func<long, TRow> make)
            where TRow : class => () =>
        {
            // An engine that owns the model would take it away from the others.
            using var engine = ml.Model.CreatePredictionEngine<TRow, ScoreRow>(
                model, new PredictionEngineOptions { OwnsTransformer = false, InputSchemaDefinition = rows.Schema<TRow>() });
            for (var row = 0L; ; row++)
            {
                engine.Predict(make(row));
                lock (gate)
                {
                    if (clock.IsOver)
                    {
                        return;
                    }

                    clock.At(++scored);
                }
            }
        };
    }
}
