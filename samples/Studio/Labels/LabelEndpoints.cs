using Studio.Data;
using Studio.Training;
using Studio.Use;

namespace Studio.Labels;

/// <summary>The fourth step: labels that are likely wrong.</summary>
internal static class LabelEndpoints
{
    public static void MapLabels(this IEndpointRouteBuilder app)
    {
        app.MapPost("/api/runs/{id}/labels", FindAsync);
        app.MapPost("/api/labels/keep", (Kept kept, ProjectSettings settings, ImageCheck check) => settings.Keep(check.HashOf(kept.Image)));
    }

    private static Task<Found> FindAsync(
        string id, RunStore store, ImageProject project, ImageCheck check, ModelCache models, TrainingService training,
        ProjectSettings settings, CancellationToken cancellation) => Task.Run(() =>
    {
        if (training.Active is { } active)
        {
            throw new RefusedException($"Labels are looked at when {active} is done.", StatusCodes.Status409Conflict);
        }

        // As the images lie now: some may have been moved since the run.
        var kept = settings.Kept;
        return models.With(store.Get(id), (_, network) =>
        {
            RunImage[] images =
            [
                .. project.Refresh().All().Where(each => network.ClassNames.Contains(each.Class))
                    .AsParallel().AsOrdered().Where(each => check.IsReadable(each.Image) && !kept.Contains(check.HashOf(each.Image)))
                    .Select(each => new RunImage(each.Image, each.Class, IsTest: false)),
            ];
            return new Found(LabelSearch.Method, images.Length, LabelSearch.Find(network, images, project.PathOf, cancellation));
        });
    }, cancellation);

    private sealed record Found(string Method, int Images, DoubtfulLabel[] Labels);

    private sealed record Kept(string Image);
}
