using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.RateLimiting;
using WebApp.Api;
using WebApp.Models;
using WebApp.Training;

namespace WebApp;

/// <summary>Puts the service together.</summary>
internal static class ClassifierService
{
    private static readonly Dictionary<string, string> s_switches = new()
    {
        ["--model"] = $"{ServiceOptions.Section}:{nameof(ServiceOptions.Model)}",
        ["--data"] = $"{ServiceOptions.Section}:{nameof(ServiceOptions.Data)}",
    };

    /// <summary>Builds the service.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="configure">Changes the builder last; for hosts in tests.</param>
    /// <exception cref="System.ComponentModel.DataAnnotations.ValidationException">An option is wrong; the message says which, and how to put it right.</exception>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddCommandLine(args, s_switches);
        var options = ServiceOptions.From(builder.Configuration);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = options.MaxBatchBytes);
        AddServices(builder.Services, options);
        configure?.Invoke(builder);

        var app = builder.Build();
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            StatusCodeSelector = exception => (exception as BadHttpRequestException)?.StatusCode ?? StatusCodes.Status500InternalServerError,
            SuppressDiagnosticsCallback = context => context.Exception is BadHttpRequestException, // the client's fault, and it is told
        });
        app.UseStatusCodePages();
        app.Use(SetSecurityHeaders);
        app.UseDefaultFiles();
        app.UseStaticFiles();
        app.UseRouting();
        app.UseRateLimiter();
        app.UseRequestTimeouts();
        app.MapOpenApi();
        app.MapModel();
        app.MapPrediction(options);
        return app;
    }

    private static void AddServices(IServiceCollection services, ServiceOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<CurrentModel>();
        services.AddSingleton<QuickStartTrainer>();
        services.AddHostedService<ModelLoader>();
        services.AddOpenApi(openApi => openApi.AddOperationTransformer(PredictionEndpoints.DescribeBodies));
        services.Configure<RouteHandlerOptions>(handlers => handlers.ThrowOnBadRequest = true); // so that the answer says what is bad
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.Converters.Add(new JsonStringEnumConverter<ModelState>(JsonNamingPolicy.CamelCase)));
        services.AddProblemDetails(problems => problems.CustomizeProblemDetails = context =>
        {
            context.ProblemDetails.Detail ??= context.Exception is BadHttpRequestException bad ? bad.Message : StandardDetail(context.ProblemDetails.Status, options);
        });

        // No queue here: a request that is let in waits for a free engine after its body was read, so that a slow sender holds no engine up.
        services.AddRateLimiter(limiter =>
        {
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limiter.OnRejected = (context, _) =>
            {
                context.HttpContext.Response.Headers.RetryAfter = "1";
                return ValueTask.CompletedTask;
            };
            limiter.AddConcurrencyLimiter(PredictionEndpoints.Policy, bounds => (bounds.PermitLimit, bounds.QueueLimit) = (options.Engines + options.WaitingRequests, 0));
        });
        services.AddRequestTimeouts(timeouts => timeouts.AddPolicy(
            PredictionEndpoints.Policy, new RequestTimeoutPolicy { Timeout = options.Timeout, TimeoutStatusCode = StatusCodes.Status503ServiceUnavailable }));
    }

    private static string? StandardDetail(int? status, ServiceOptions options) => status switch
    {
        StatusCodes.Status429TooManyRequests => $"{options.Engines + options.WaitingRequests} requests are being worked on or wait already. Try again after the seconds in Retry-After.",
        StatusCodes.Status503ServiceUnavailable => $"The request took longer than {options.Timeout.TotalSeconds:0.#} s.",
        _ => null,
    };

    private static Task SetSecurityHeaders(HttpContext context, RequestDelegate next)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers.ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        return next(context);
    }
}
