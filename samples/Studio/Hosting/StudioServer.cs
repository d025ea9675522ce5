using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.ML.ResNet.Trainers;
using Samples;
using Studio.Data;
using Studio.Evaluation;
using Studio.Labels;
using Studio.Training;
using Studio.Use;
using WebApp;

namespace Studio.Hosting;

/// <summary>Puts the studio together.</summary>
public static class StudioServer
{
    private const long MostBodyBytes = UploadedImage.MostBytes + (1 << 20);

    /// <summary>Serves a project until it is asked to stop; says where, and opens the browser.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="IOException">
    /// The project is no folder, or open in another studio, or the port cannot be listened on.
    /// </exception>
    public static async Task<int> RunAsync(StudioOptions options, CancellationToken cancellation)
    {
        await using var app = Build(options);
        await StartAsync(app, options, cancellation);
        var address = AddressOf(app, options);
        Console.WriteLine($"The studio is open at {address}");
        if (IsOpenToAll(options))
        {
            Console.WriteLine("Other machines open it by this machine's IP address in place of 127.0.0.1.");
        }

        Console.WriteLine("Images and models stay on this machine. Ctrl+C stops; training goes on when the studio is started again.");
        if (options.OpensBrowser)
        {
            Open(address);
        }

        await app.WaitForShutdownAsync(cancellation);
        return 0;
    }

    private static async Task StartAsync(WebApplication app, StudioOptions options, CancellationToken cancellation)
    {
        try
        {
            await app.StartAsync(cancellation);
        }
        catch (Exception exception) when (ListenFailure.ReasonOf(exception) is { } reason)
        {
            throw new IOException(
                $"The studio cannot listen on port {options.Port} of {options.Host}: {reason}. Give another --port; without it, a free "
                + "one is taken.", exception);
        }
    }

    /// <summary>Gets the whole address of the page of a started studio.</summary>
    internal static string AddressOf(WebApplication app, StudioOptions options)
    {
        var bound = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        var host = IsOpenToAll(options) ? "127.0.0.1" : bound.Host;
        return $"http://{host}:{bound.Port}/{options.Token}/";
    }

    private static bool IsOpenToAll(StudioOptions options) =>
        options.Host.Equals(IPAddress.Any) || options.Host.Equals(IPAddress.IPv6Any);

    /// <summary>Builds the server.</summary>
    internal static WebApplication Build(StudioOptions options)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MostBodyBytes;
            kestrel.Listen(options.Host, options.Port);
        });
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        ListenFailure.LeaveToCaller(builder.Logging);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMinutes(1)); // for a checkpoint
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(_ => new ImageProject(options.Folder)); // made here, it is disposed of here
        builder.Services.AddSingleton<EventStream>();
        builder.Services.AddSingleton<ImageCheck>();
        builder.Services.AddSingleton<Thumbnails>();
        builder.Services.AddSingleton<ProjectSettings>();
        builder.Services.AddSingleton<RunStore>();
        builder.Services.AddSingleton<ModelCache>();
        builder.Services.AddSingleton<Downloads>();
        builder.Services.AddSingleton<TrainingService>();
        builder.Services.AddHostedService(services => services.GetRequiredService<TrainingService>());

        var app = builder.Build();
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandler = AnswerError,
            SuppressDiagnosticsCallback = context => IsExpected(context.Exception), // the person at the page is told
        });
        app.Use(new AccessGuard(options).Invoke);
        app.UseRouting();
        app.MapPage();
        app.MapData();
        app.MapTraining();
        app.MapEvaluation();
        app.MapLabels();
        app.MapUse();
        app.MapGet("/api/events", (EventStream events, IHostApplicationLifetime lifetime, CancellationToken cancellation) =>
            TypedResults.ServerSentEvents(events.Read(Either(cancellation, lifetime.ApplicationStopping))));
        app.Services.GetRequiredService<ProjectSettings>();
        app.Services.GetRequiredService<ImageCheck>().Start();
        return app;
    }

    private static CancellationToken Either(CancellationToken one, CancellationToken other) =>
        CancellationTokenSource.CreateLinkedTokenSource(one, other).Token;

    // What is wrong, in words for the person at the page.
    private static Task AnswerError(HttpContext context)
    {
        var exception = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        context.Response.StatusCode = exception switch
        {
            RefusedException refused => refused.Status,
            BadHttpRequestException bad => bad.StatusCode,
            OperationCanceledException => StatusCodes.Status499ClientClosedRequest,
            _ => StatusCodes.Status500InternalServerError,
        };
        var message = exception is ArgumentException or InvalidOperationException || (exception is not null && IsExpected(exception))
            ? ErrorWords.Of(exception)
            : "Something failed that should not have; the terminal says what.";
        return context.Response.WriteAsJsonAsync(new { message });
    }

    private static bool IsExpected(Exception exception) =>
        exception is RefusedException or BadHttpRequestException or OperationCanceledException or InvalidDataException or IOException
            or UnauthorizedAccessException or DllNotFoundException or BadImageException or TrainingDivergedException;

    private static void Open(string address)
    {
        try
        {
            using var browser = OperatingSystem.IsWindows() ? Process.Start(new ProcessStartInfo(address) { UseShellExecute = true })
                : Process.Start(new ProcessStartInfo(OperatingSystem.IsMacOS() ? "open" : "xdg-open", [address])
                {
                    RedirectStandardError = true,
                    RedirectStandardOutput = true,
                });
        }
        catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            // There is no browser: the address is printed.
        }
    }
}
