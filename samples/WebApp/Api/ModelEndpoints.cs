using WebApp.Models;

namespace WebApp.Api;

/// <summary><c>GET /model</c> and <c>GET /health</c>.</summary>
internal static class ModelEndpoints
{
    public static void MapModel(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("Model");
        group.MapGet("/model", DescribeModel).WithName("GetModel").WithSummary("Describe the model in use")
            .Produces<ModelDescription>().ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        group.MapGet("/health", DescribeHealth).WithName("GetHealth").WithSummary("Tell whether there is a model to classify with")
            .WithDescription(
                "A readiness check: 200 when images can be classified, "
                + "503 while the model is loaded or trained, or if it could be neither.")
            .Produces<ModelStatus>().Produces<ModelStatus>(StatusCodes.Status503ServiceUnavailable);
    }

    /// <summary>Answers a request that needs a model while there is none.</summary>
    public static IResult NotReady(HttpContext context, CurrentModel current)
    {
        context.Response.Headers.RetryAfter = "5";
        var status = current.Status;
        return TypedResults.Problem(
            status.Detail ?? "The model is being loaded.",
            statusCode: StatusCodes.Status503ServiceUnavailable,
            title: status.Status == ModelState.Failed ? "No model" : "No model yet");
    }

    private static IResult DescribeModel(HttpContext context, CurrentModel current, ServiceOptions options)
    {
        using var lease = current.TryTake();
        if (lease is null)
        {
            return NotReady(context, current);
        }

        var model = lease.Model;
        return TypedResults.Ok(new ModelDescription(
            model.FileName, model.Classifier.Version, model.FileSize, model.LoadedAt, model.Classifier.ClassNames, options.UnsureBelow,
            new AcceptedSizes(options.MaxImageBytes, options.MaxPixels, options.MaxBatchImages, options.MaxBatchBytes)));
    }

    private static IResult DescribeHealth(CurrentModel current)
    {
        var status = current.Status;
        return TypedResults.Json(
            status, statusCode: status.Status == ModelState.Ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }
}
