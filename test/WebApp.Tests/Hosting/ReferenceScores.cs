using Microsoft.ML;
using Microsoft.ML.Data;

namespace WebApp.Tests.Hosting;

/// <summary>What plain ML.NET says of image files: the answers that the service must give.</summary>
internal sealed class ReferenceScores : IDisposable
{
    private readonly PredictionEngine<ImageInput, ScoreOutput> _engine;
    private readonly string[] _classNames;

    public ReferenceScores(string modelPath)
    {
        var ml = new MLContext();
        _engine = ml.Model.CreatePredictionEngine<ImageInput, ScoreOutput>(ml.Model.Load(modelPath, out _));
        var names = default(VBuffer<ReadOnlyMemory<char>>);
        _engine.OutputSchema["Score"].GetSlotNames(ref names);
        _classNames = [.. names.DenseValues().Select(name => name.ToString())];
    }

    public Dictionary<string, float> Of(byte[] image)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, image);
            return _classNames.Zip(_engine.Predict(new ImageInput { ImagePath = path }).Score)
                .ToDictionary(pair => pair.First, pair => pair.Second);
        }
        finally
        {
            File.Delete(path);
        }
    }

    public void Dispose() => _engine.Dispose();

    private sealed class ImageInput
    {
        public string ImagePath { get; set; } = "";

        public string Label { get; set; } = "";
    }

    private sealed class ScoreOutput
    {
        public float[] Score { get; set; } = [];
    }
}
