using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;

namespace Studio.Training;

/// <summary>The second step: training.</summary>
internal static class TrainingEndpoints
{
    public static void MapTraining(this IEndpointRouteBuilder app)
    {
        app.MapGet("/api/training", (TrainingService training, RunStore store) => new
        {
            hasPretrained = PretrainedNetwork.IsThere,
            pretrainedProblem = PretrainedNetwork.Problem,
            recommendedStart = training.RecommendedStart(),
            active = training.Active,
            networks = ResNetArchitecture.All.Select(network => network.Name),
            recipes = Presets.RecipeNames,
            layers = Enum.GetNames<TrainableLayers>(),
            starts = store.All().Where(run => store.Has(run.Id, "model.zip")).Select(run => run.Id),
        });
        app.MapGet("/api/runs", (RunStore store) => store.All());
        app.MapGet("/api/runs/{id}", (string id, RunStore store) => new { run = store.Get(id), points = store.Points(id) });
        app.MapPost("/api/runs", (TrainingRequest request, TrainingService training) => training.Start(request));
        app.MapPost("/api/runs/{id}/go-on", (string id, TrainingService training) => training.GoOn(id));
        app.MapPost("/api/stop", (TrainingService training) => training.Stop());
        app.MapPost("/api/estimate", (TrainingRequest request, TrainingService training, CancellationToken cancellation) =>
            Task.Run(() => training.Estimate(request, cancellation), cancellation));
    }
}
