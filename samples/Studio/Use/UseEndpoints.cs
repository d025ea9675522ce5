using System.Collections.Immutable;
using Microsoft.ML.ResNet;
using Studio.Data;
using Studio.Training;

namespace Studio.Use;

/// <summary>The fifth step: the trained network at work.</summary>
internal static class UseEndpoints
{
    private const int ShownClasses = 10;

    public static void MapUse(this IEndpointRouteBuilder app)
    {
        app.MapPost("/api/runs/{id}/predict", PredictAsync);
        app.MapGet("/api/runs/{id}/download/{file}", (string id, string file, Downloads downloads) => Task.Run(() =>
        {
            var (path, type) = downloads.Get(id, file);
            return Results.File(path, type, file); // always saved, never shown: a report would run under the studio's address
        }));
    }

    private static async Task<ImmutableArray<ClassProbability>> PredictAsync(
        string id, HttpRequest request, RunStore store, ModelCache models, CancellationToken cancellation)
    {
        var run = store.Get(id);
        var content = await UploadedImage.ReadAsync(request.Body, cancellation);
        UploadedImage.Check(content);
        return await Task.Run(() => models.Predict(run, content).Top(ShownClasses), cancellation);
    }
}
