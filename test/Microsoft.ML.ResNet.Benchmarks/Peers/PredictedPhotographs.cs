using System.Diagnostics;
using Microsoft.ML.ResNet.Images;

namespace Benchmarks.Peers;

/// <summary>Photographs through a predictor, or decoded and resized alone as it does that, on all cores.</summary>
/// <param name="Model">The saved model.</param>
/// <param name="Photographs">The files; they are taken over and over.</param>
/// <param name="Images">How many are measured, after as many to get warm.</param>
internal sealed record PredictedPhotographs(string Model, string[] Photographs, int Images)
{
    public static readonly Peer<PredictedPhotographs, ScoringRate> Peer = new("predict-many", Predict);

    public static readonly Peer<PredictedPhotographs, ScoringRate> Decoding = new("predict-decode", Decode);

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

    private static ScoringRate Rate(PredictedPhotographs work, Action pass)
    {
        pass();
        var clock = Stopwatch.StartNew();
        pass();
        return new ScoringRate(work.Images / clock.Elapsed.TotalSeconds);
    }
}
