using System.Diagnostics;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Images;

namespace Benchmarks.Peers;

/// <summary>
/// Photographs through a predictor; or decoded and resized alone as it does that, on all cores; or, decoded before, through ONNX Runtime.
/// </summary>
/// <param name="Model">The saved model.</param>
/// <param name="Photographs">The files; they are taken over and over.</param>
/// <param name="Images">How many are measured, after as many to get warm.</param>
internal sealed record PredictedPhotographs(string Model, string[] Photographs, int Images)
{
    /// <summary>How many images ONNX Runtime has at once.</summary>
    public const int Batch = 8;

    // Some photographs are scored over and over: all of them would not fit in memory.
    private const int Batches = 8;

    public static readonly Peer<PredictedPhotographs, ScoringRate> Peer = new("predict-many", Predict);

    public static readonly Peer<PredictedPhotographs, ScoringRate> Decoding = new("predict-decode", Decode);

    public static readonly Peer<PredictedPhotographs, ScoringRate> Scoring = new("predict-onnx", Score);

    private IEnumerable<string> Paths => Enumerable.Range(0, Images).Select(i => Photographs[i % Photographs.Length]);

    private static ScoringRate Predict(PredictedPhotographs work)
    {
        using var predictor = ResNetPredictor.Load(work.Model);
        return Rate(work, () =>
        {
            foreach (var _ in predictor.PredictMany(work.Paths))
            {
            }
        });
    }

    private static ScoringRate Decode(PredictedPhotographs work)
    {
        using var predictor = ResNetPredictor.Load(work.Model);
        var (decoder, planar) = (new ImageDecoder(), new PlanarPixels(predictor.Preprocessing));
        return Rate(work, () => Parallel.ForEach(
            work.Paths,
            new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount },
            () => new byte[planar.Size],
            (path, _, pixels) =>
            {
                using var image = decoder.Load(path);
                planar.Read(image, pixels);
                return pixels;
            },
            _ => { }));
    }

    // The exported network in ONNX Runtime's default settings, as anyone would run it.
    private static ScoringRate Score(PredictedPhotographs work)
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():n}.onnx");
        try
        {
            using var predictor = ResNetPredictor.Load(work.Model);
            predictor.ExportOnnx(path);
            using var session = new InferenceSession(path);
            using var options = new RunOptions();
            var (batches, input) = (Decoded(work, new PlanarPixels(predictor.Preprocessing)), predictor.Preprocessing.Input);
            return Rate(work, () =>
            {
                for (var start = 0; start < work.Images; start += Batch)
                {
                    using var pixels = OrtValue.CreateTensorValueFromMemory(
                        batches[start / Batch % Batches], [Batch, input.Channels, input.Height, input.Width]);
                    using var outputs = session.Run(options, [session.InputNames[0]], [pixels], session.OutputNames);
                }
            });
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static byte[][] Decoded(PredictedPhotographs work, PlanarPixels planar)
    {
        var decoder = new ImageDecoder();
        return [.. work.Paths.Take(Batch * Batches).Chunk(Batch).Select(paths =>
        {
            var batch = new byte[Batch * planar.Size];
            foreach (var (index, path) in paths.Index())
            {
                using var image = decoder.Load(path);
                planar.Read(image, batch.AsSpan(index * planar.Size, planar.Size));
            }

            return batch;
        })];
    }

    private static ScoringRate Rate(PredictedPhotographs work, Action pass)
    {
        pass();
        var clock = Stopwatch.StartNew();
        pass();
        return new ScoringRate(work.Images / clock.Elapsed.TotalSeconds);
    }
}
