using Microsoft.ML.OnnxRuntime;

namespace Benchmarks.Peers;

/// <summary>The same network in ONNX Runtime, called directly with the same pixels.</summary>
internal static class OnnxScoring
{
    public static readonly Peer<ScoringWork, ScoringRate> Peer = new("onnx", Score);

    private static ScoringRate Score(ScoringWork work)
    {
        using var model = OurScoring.Model(new MLContext(seed: 1), work);
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():n}.onnx");
        try
        {
            model.ExportOnnx(path);
            using var session = new InferenceSession(path);
            return new ScoringRate(Run(session, work));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static double Run(InferenceSession session, ScoringWork work)
    {
        var rows = new ScoringRows(work.ImageSize);
        var size = 3 * work.ImageSize * work.ImageSize;
        var pixels = new byte[work.Batch * size];
        using var options = new RunOptions();
        using var input = OrtValue.CreateTensorValueFromMemory(pixels, [work.Batch, 3, work.ImageSize, work.ImageSize]);
        var (inputName, outputNames) = (session.InputNames[0], session.OutputNames);
        var clock = new StepClock(work.WarmUp, work.Seconds, work.WarmUpRows);
        for (var call = 0L; !clock.IsOver; call++)
        {
            for (var i = 0; i < work.Batch; i++)
            {
                rows.Planar(call * work.Batch + i).CopyTo(pixels.AsSpan(i * size));
            }

            using var outputs = session.Run(options, [inputName], [input], outputNames);
            clock.At(call + 1);
        }

        return clock.StepsPerSecond * work.Batch;
    }
}
