using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Studio.Data;
using Studio.Training;

namespace Studio.Use;

/// <summary>The fifth step: the trained network at work.</summary>
internal static class UseEndpoints
{
    public static void MapUse(this IEndpointRouteBuilder app)
    {
        app.MapPost("/api/runs/{id}/predict", PredictAsync);
        app.MapGet("/api/runs/{id}/download/{file}", (string id, string file, Downloads downloads) => Task.Run(() =>
        {
            var (path, type) = downloads.Get(id, file);
            return Results.File(path, type, file); // always saved, never shown: a report would run under the studio's address
        }));
    }

    private static async Task<ClassProbability[]> PredictAsync(
        string id, HttpRequest request, RunStore store, ModelCache models, CancellationToken cancellation)
    {
        var run = store.Get(id);
        var content = await UploadedImage.ReadAsync(request.Body, cancellation);
        UploadedImage.Check(content);
        return await Task.Run(() => models.With(run, (_, network) =>
        {
            using var image = ResNetImage.Decode(content);
            var ml = new MLContext();
            var view = ml.Data.LoadFromEnumerable([new ImageRow { Image = image }]);
            var scores = ml.Data.CreateEnumerable<Scored>(network.Transform(view), reuseRowObject: false, ignoreMissingColumns: true).Single();
            return network.ClassNames.Zip(scores.Score, (name, score) => new ClassProbability(name, score))
                .OrderByDescending(each => each.Probability).Take(10).ToArray();
        }), cancellation);
    }

    internal sealed record ClassProbability(string Class, float Probability);

    private sealed class ImageRow
    {
        [ImageOfAnySize]
        public MLImage? Image { get; set; }
    }

    private sealed class Scored
    {
        public float[] Score { get; set; } = [];
    }
}
