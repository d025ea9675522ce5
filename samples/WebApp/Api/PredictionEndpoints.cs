using System.ComponentModel;
using System.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using WebApp.Images;
using WebApp.Models;

namespace WebApp.Api;

/// <summary><c>POST /predict</c> and <c>POST /predict/batch</c>.</summary>
internal static class PredictionEndpoints
{
    /// <summary>The name of the bounds on requests and on their time.</summary>
    public const string Policy = "predict";

    /// <summary>What a form may have beside the bytes of its one file.</summary>
    public const int MultipartOverhead = 64 << 10;

    public static void MapPrediction(this IEndpointRouteBuilder routes, ServiceOptions options)
    {
        var group = routes.MapGroup("/predict");
        group.WithTags("Prediction").RequireRateLimiting(Policy).WithRequestTimeout(Policy)
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status408RequestTimeout)
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge).ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
            .ProducesProblem(StatusCodes.Status429TooManyRequests).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        group.MapPost("", PredictAsync).WithName("Predict").WithSummary("Classify an image")
            .WithDescription(
                "The body is the image file, or multipart/form-data with one file. "
                + "What is in the file decides, not its media type: JPEG, PNG, WebP, GIF or BMP.")
            .WithMetadata(new RequestSizeLimitAttribute((long)options.MaxImageBytes + MultipartOverhead))
            .WithMetadata(new UploadReading(UploadReader.ReadOneAsync))
            .Produces<Prediction>().ProducesProblem(StatusCodes.Status422UnprocessableEntity);
        group.MapPost("/batch", PredictBatchAsync).WithName("PredictBatch").WithSummary("Classify several images")
            .WithDescription(
                "The body is multipart/form-data with a file for each image. "
                + "One model answers all of them, and each has an answer or an error of its own.")
            .WithMetadata(new RequestSizeLimitAttribute(options.MaxBatchBytes), new UploadReading(UploadReader.ReadManyAsync))
            .Produces<BatchPrediction>();
    }

    /// <summary>Writes into the OpenAPI document what the handlers read themselves: <c>top</c>, and the bodies.</summary>
    public static Task DescribeInputs(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        using var lease = context.ApplicationServices.GetRequiredService<CurrentModel>().TryTake();
        foreach (var top in operation.Parameters?.OfType<OpenApiParameter>().Where(parameter => parameter.Name == "top") ?? [])
        {
            top.Schema = TopClasses.Describe(lease?.Model.Classifier.ClassNames.Length);
        }

        var file = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" };
        var (form, raw) = operation.OperationId switch
        {
            "Predict" => (
                new OpenApiSchema
                {
                    Type = JsonSchemaType.Object,
                    Properties = new Dictionary<string, IOpenApiSchema> { ["image"] = file },
                },
                true),
            "PredictBatch" => (
                new OpenApiSchema
                {
                    Type = JsonSchemaType.Object,
                    Properties = new Dictionary<string, IOpenApiSchema>
                    {
                        ["images"] = new OpenApiSchema { Type = JsonSchemaType.Array, Items = file },
                    },
                },
                false),
            _ => (null, false),
        };
        if (form is null)
        {
            return Task.CompletedTask;
        }

        var content = new Dictionary<string, OpenApiMediaType> { ["multipart/form-data"] = new OpenApiMediaType { Schema = form } };
        if (raw)
        {
            content["image/*"] = new OpenApiMediaType { Schema = file };
            content["application/octet-stream"] = new OpenApiMediaType { Schema = file };
        }

        operation.RequestBody = new OpenApiRequestBody { Required = true, Content = content };
        return Task.CompletedTask;
    }

    private static async Task<IResult> PredictAsync(
        HttpContext context, CurrentModel current, ServiceOptions options, ILogger<Prediction> log, CancellationToken cancellation,
        [Description("The number of classes to return, most probable first: from 1 to the number of classes, which GET /model lists.")]
        string? top = null)
    {
        using var lease = current.TryTake();
        if (lease is null)
        {
            return ModelEndpoints.NotReady(context, current);
        }

        var count = TopClasses.Parse(top, lease.Model.Classifier.ClassNames.Length);
        var upload = ReceivedUploads.Of(context)[0];
        var started = Stopwatch.GetTimestamp();
        try
        {
            var classes = await ClassifyAsync(lease.Model.Classifier, upload, count, options, cancellation);
            log.Answered(1, 0, Stopwatch.GetElapsedTime(started).TotalMilliseconds, lease.Model.Classifier.Version);
            return TypedResults.Ok(new Prediction(lease.Model.Classifier.Version, IsUnsure(classes, options), classes));
        }
        catch (UnusableImageException exception)
        {
            log.Refused(exception.Title);
            return TypedResults.Problem(Describe(exception));
        }
    }

    private static async Task<IResult> PredictBatchAsync(
        HttpContext context, CurrentModel current, ServiceOptions options, ILogger<BatchPrediction> log, CancellationToken cancellation,
        [Description("The number of classes to return for each image, most probable first. From 1 to the number of the model's classes.")]
        string? top = null)
    {
        using var lease = current.TryTake();
        if (lease is null)
        {
            return ModelEndpoints.NotReady(context, current);
        }

        var count = TopClasses.Parse(top, lease.Model.Classifier.ClassNames.Length);
        var uploads = ReceivedUploads.Of(context);
        var started = Stopwatch.GetTimestamp();
        var items = new BatchItem[uploads.Length];
        await Parallel.ForAsync(0, uploads.Length,
            new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = options.Engines }, async (i, stop) =>
        {
            try
            {
                var classes = await ClassifyAsync(lease.Model.Classifier, uploads[i], count, options, stop);
                items[i] = new BatchItem(uploads[i].Name, IsUnsure(classes, options), classes, null);
            }
            catch (UnusableImageException exception)
            {
                items[i] = new BatchItem(uploads[i].Name, null, null, Describe(exception));
            }
        });
        var refused = items.Count(item => item.Error is not null);
        log.Answered(items.Length - refused, refused, Stopwatch.GetElapsedTime(started).TotalMilliseconds, lease.Model.Classifier.Version);
        return TypedResults.Ok(new BatchPrediction(lease.Model.Classifier.Version, items));
    }

    private static async Task<ClassProbability[]> ClassifyAsync(
        Classifier classifier, Upload upload, int top, ServiceOptions options, CancellationToken cancellation)
    {
        var image = EncodedImage.Open(upload.Content, options); // a bad image does not wait
        return ClassProbability.Top(classifier.ClassNames, await classifier.ScoreAsync(image, cancellation), top);
    }

    private static bool IsUnsure(ClassProbability[] classes, ServiceOptions options) => classes[0].Probability < options.UnsureBelow;

    private static ProblemDetails Describe(UnusableImageException exception) =>
        new() { Status = exception.StatusCode, Title = exception.Title, Detail = exception.Message };
}
