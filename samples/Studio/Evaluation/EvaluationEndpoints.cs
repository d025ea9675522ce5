using Studio.Data;
using Studio.Training;
using Studio.Use;

namespace Studio.Evaluation;

/// <summary>The third step: what the test of a run showed.</summary>
internal static class EvaluationEndpoints
{
    private const int MostShown = 120;

    public static void MapEvaluation(this IEndpointRouteBuilder app)
    {
        app.MapGet("/api/runs/{id}/evaluation", (string id, RunStore store) =>
        {
            var result = ResultOf(id, store);
            return new
            {
                result.Classes, result.Accuracy, result.LogLoss, result.CalibrationError, result.Bins, result.PerClass, result.Confusion,
                mistakes = result.Images.Where(image => image.Class != image.Predicted).OrderByDescending(image => image.Confidence)
                    .Take(MostShown),
            };
        });
        app.MapGet("/api/runs/{id}/cell", (string id, string @class, string predicted, RunStore store) => ResultOf(id, store).Images
            .Where(image => image.Class == @class && image.Predicted == predicted)
            .OrderByDescending(image => image.Confidence).Take(MostShown * 5));
        app.MapGet("/api/runs/{id}/heatmap", HeatMapAsync);
    }

    private static EvaluationResult ResultOf(string id, RunStore store) =>
        store.Read<EvaluationResult>(store.Get(id).Id, "evaluation.json")
        ?? throw new RefusedException($"{id} has not been tested yet.", StatusCodes.Status404NotFound);

    // Where in the image the network found the class that it named.
    private static async Task<IResult> HeatMapAsync(
        string id, string image, string? @class, RunStore store, ImageProject project, ModelCache models, TrainingService training,
        HttpContext context, CancellationToken cancellation)
    {
        var path = project.PathOf(project.Find(image) ?? image);
        if (training.Active is { } active)
        {
            throw new RefusedException($"Heat maps are drawn when {active} is done.", StatusCodes.Status409Conflict);
        }

        var png = await Task.Run(() => models.HeatMap(store.Get(id), path, @class), cancellation);
        context.Response.Headers.CacheControl = "private, max-age=600";
        return Results.Bytes(png, "image/png");
    }
}
