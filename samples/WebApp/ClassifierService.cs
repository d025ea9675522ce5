using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.RateLimiting;
using WebApp.Api;
using WebApp.Models;
using WebApp.Training;

namespace WebApp;

/// <summary>Puts the service together.</summary>
internal static class ClassifierService
{
    // What the page is made of: its own script, style and icon, the images that were chosen, and questions to this service.
    private const string PagePolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private const string OtherPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Builds the service.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="configure">Changes the builder last; for hosts in tests.</param>
    /// <exception cref="System.ComponentModel.DataAnnotations.ValidationException">
    /// An option is wrong, or there is none of its name; the message says which, and how to put it right.
    /// </exception>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        ServiceArguments.Check(args);
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddCommandLine(args, ServiceArguments.Switches);
        var options = ServiceOptions.From(builder.Configuration);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxBatchBytes;
            kestrel.Limits.MinRequestBodyDataRate = new(options.MinBodyBytesPerSecond, TimeSpan.FromSeconds(5));
        });
        builder.Logging.AddFilter("Microsoft.AspNetCore.Http.Timeouts", LogLevel.Error); // a stack trace for each; Log.TimedOut has a line
        ListenFailure.LeaveToCaller(builder.Logging);
        AddServices(builder.Services, options);
        configure?.Invoke(builder);

        var app = builder.Build();
        app.Use(SetSecurityHeaders);
        app.Use(IgnoreAccept);
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            StatusCodeSelector = exception =>
                (exception as BadHttpRequestException)?.StatusCode ?? StatusCodes.Status500InternalServerError,
            SuppressDiagnosticsCallback = context => context.Exception is BadHttpRequestException, // the client's fault, and it is told
        });
        app.UseStatusCodePages();
        app.UseDefaultFiles();
        app.UseStaticFiles();
        app.UseRouting();
        app.UseRequestTimeouts();
        app.UseMiddleware<UploadReceiver>();
        app.UseRateLimiter();
        app.MapOpenApi("/openapi/v1.json"); // its own pattern answers other names in plain text
        app.MapModel();
        app.MapPrediction(options);
        return app;
    }

    /// <summary>Runs a service until it is asked to stop.</summary>
    /// <exception cref="IOException">It cannot listen; the message says where, and how to put it right.</exception>
    public static async Task RunAsync(WebApplication service)
    {
        try
        {
            await service.StartAsync();
        }
        catch (Exception exception) when (ListenFailure.ReasonOf(exception) is { } reason)
        {
            throw new IOException(
                $"{WordsOf(service, exception, reason)} Give another address with --urls, such as --urls http://localhost:5001.",
                exception);
        }
        catch (InvalidOperationException exception) when (UrlsOf(service).Contains("https:", StringComparison.OrdinalIgnoreCase))
        {
            throw new IOException(
                $"Cannot listen on {UrlsOf(service)}: {exception.Message.Split('\n')[0].TrimEnd()} Give a certificate by the settings "
                + "Kestrel:Certificates:Default:Path and :Password, or listen on http:// behind a proxy that has one.",
                exception);
        }
        catch (ArgumentOutOfRangeException exception) when (exception.ParamName == "port")
        {
            throw new IOException($"Cannot listen on {UrlsOf(service)}: a port is a number from 0 to 65535.", exception);
        }

        await service.WaitForShutdownAsync();
    }

    private static string WordsOf(WebApplication service, Exception exception, string reason) => exception switch
    {
        IOException { InnerException: AddressInUseException } => exception.Message, // which names the address
        IOException => $"{exception.Message.TrimEnd('.')}: {reason}.",
        _ => $"Failed to bind to address {UrlsOf(service)}: {reason}.",
    };

    private static string UrlsOf(WebApplication service) => service.Configuration[WebHostDefaults.ServerUrlsKey] ?? "";

    private static void AddServices(IServiceCollection services, ServiceOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<CurrentModel>();
        services.AddSingleton<UploadReceiver>();
        services.AddSingleton<QuickStartTrainer>();
        services.AddHostedService<ModelLoader>();
        // Long enough for whoever was let in to be answered.
        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Timeout + TimeSpan.FromSeconds(5));
        services.AddOpenApi(openApi => openApi
            .AddDocumentTransformer(ServiceDescription.Write)
            .AddOperationTransformer(PredictionEndpoints.DescribeInputs));
        services.Configure<RouteHandlerOptions>(handlers => handlers.ThrowOnBadRequest = true); // so that the answer says what is bad
        services.ConfigureHttpJsonOptions(
            json => json.SerializerOptions.Converters.Add(new JsonStringEnumConverter<ModelState>(JsonNamingPolicy.CamelCase)));
        services.AddProblemDetails(problems => problems.CustomizeProblemDetails = context =>
        {
            context.ProblemDetails.Detail ??= context.Exception is BadHttpRequestException bad
                ? bad.Message
                : StandardDetail(context.ProblemDetails.Status, context.HttpContext, options);
        });

        // No queue here: a request that is let in waits for its turn. Its body has been received: see UploadReceiver.
        services.AddRateLimiter(limiter =>
        {
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limiter.OnRejected = (context, _) =>
            {
                context.HttpContext.Response.Headers.RetryAfter = "1";
                return ValueTask.CompletedTask;
            };
            limiter.AddConcurrencyLimiter(
                PredictionEndpoints.Policy,
                bounds => (bounds.PermitLimit, bounds.QueueLimit) = (options.Engines + options.WaitingRequests, 0));
        });
        services.AddRequestTimeouts(timeouts => timeouts.AddPolicy(PredictionEndpoints.Policy, new RequestTimeoutPolicy
        {
            Timeout = options.Timeout,
            TimeoutStatusCode = StatusCodes.Status503ServiceUnavailable,
            WriteTimeoutResponse = AnswerTimeout,
        }));
    }

    private static Task AnswerTimeout(HttpContext context)
    {
        var options = context.RequestServices.GetRequiredService<ServiceOptions>();
        var log = context.RequestServices.GetRequiredService<ILogger<ServiceOptions>>();
        log.TimedOut(context.GetEndpoint()?.DisplayName ?? "", options.Timeout.TotalSeconds);
        return TypedResults.Problem(statusCode: StatusCodes.Status503ServiceUnavailable).ExecuteAsync(context);
    }

    private static string? StandardDetail(int? status, HttpContext context, ServiceOptions options) => status switch
    {
        StatusCodes.Status404NotFound => "There is nothing at this path. GET /openapi/v1.json describes all routes.",
        StatusCodes.Status405MethodNotAllowed =>
            $"{context.Request.Method} is not for this path, which takes {context.Response.Headers.Allow}.",
        StatusCodes.Status429TooManyRequests =>
            $"{options.Engines + options.WaitingRequests} requests are being worked on or wait already. "
            + "Try again after the seconds in Retry-After.",
        StatusCodes.Status503ServiceUnavailable => $"The request took longer than {options.Timeout.TotalSeconds:0.#} s.",
        _ => null,
    };

    // Each route has one kind of answer. Problem details would be left out where a client asks for HTML or an image alone.
    private static Task IgnoreAccept(HttpContext context, RequestDelegate next)
    {
        context.Request.Headers.Remove("Accept");
        return next(context);
    }

    // When the answer starts: an error's begins anew, without what was set before it.
    private static Task SetSecurityHeaders(HttpContext context, RequestDelegate next)
    {
        context.Response.OnStarting(static state =>
        {
            var headers = ((HttpResponse)state).Headers;
            headers.XContentTypeOptions = "nosniff";
            headers.XFrameOptions = "DENY";
            headers["Referrer-Policy"] = "no-referrer";
            headers["Cross-Origin-Opener-Policy"] = "same-origin";
            headers["Cross-Origin-Resource-Policy"] = "same-origin";
            headers.ContentSecurityPolicy = IsPage((HttpResponse)state) ? PagePolicy : OtherPolicy;
            return Task.CompletedTask;
        }, context.Response);
        return next(context);
    }

    private static bool IsPage(HttpResponse response) =>
        response.ContentType?.StartsWith("text/html", StringComparison.OrdinalIgnoreCase) == true;
}
