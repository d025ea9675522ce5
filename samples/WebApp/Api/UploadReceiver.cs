using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;

namespace WebApp.Api;

/// <summary>
/// Receives the bodies of requests that hold images, each in bounded time, and so many at once: in all, and of one client. Only a request
/// whose body is there goes on to the rate limiter, so that slow senders take nothing from those that are ready to be worked on.
/// </summary>
internal sealed class UploadReceiver : IMiddleware, IDisposable
{
    private const int NetworkBytes = 8; // of an IPv6 address: a client may have all addresses of its network

    private readonly ServiceOptions _options;
    private readonly ILogger<UploadReceiver> _log;
    private readonly PartitionedRateLimiter<HttpContext> _perClient, _inAll, _places;

    public UploadReceiver(ServiceOptions options, ILogger<UploadReceiver> log)
    {
        (_options, _log) = (options, log);
        _perClient = PartitionedRateLimiter.Create<HttpContext, IPAddress>(context => RateLimitPartition.GetConcurrencyLimiter(
            ClientOf(context.Connection.RemoteIpAddress), _ => Limit(options.MaxReadingBodiesPerClient)));
        _inAll = PartitionedRateLimiter.Create<HttpContext, bool>(_ => RateLimitPartition.GetConcurrencyLimiter(
            true, _ => Limit(options.MaxReadingBodies)));
        _places = PartitionedRateLimiter.CreateChained(_perClient, _inAll);
    }

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<UploadReading>() is { } reading)
        {
            var wanted = PlacesFor(context);
            using var places = _places.AttemptAcquire(context, wanted);
            if (!places.IsAcquired)
            {
                await Refusal(context).ExecuteAsync(context);
                return;
            }

            _log.Receiving(wanted);
            context.Features.Set(new ReceivedUploads(await ReceiveAsync(context, reading)));
        }

        await next(context);
    }

    public void Dispose()
    {
        _places.Dispose();
        _perClient.Dispose();
        _inAll.Dispose();
    }

    /// <summary>Gets the address that a client is known by.</summary>
    internal static IPAddress ClientOf(IPAddress? address)
    {
        if (address is null)
        {
            return IPAddress.None;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? new IPAddress([.. address.GetAddressBytes().AsSpan(0, NetworkBytes), .. new byte[NetworkBytes]])
            : address;
    }

    private static ConcurrencyLimiterOptions Limit(int places) => new() { PermitLimit = places, QueueLimit = 0 };

    // A body takes a place for each image of the largest size that it has room for, so that places bound the memory too.
    private int PlacesFor(HttpContext context)
    {
        var accepted = context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize ?? _options.MaxBatchBytes;
        var length = Math.Min(context.Request.ContentLength ?? accepted, accepted);
        var most = Math.Min(_options.MaxReadingBodies, _options.MaxReadingBodiesPerClient);
        var image = (long)_options.MaxImageBytes + PredictionEndpoints.MultipartOverhead;
        return (int)Math.Min(1 + length / (image + 1), most);
    }

    private async Task<Upload[]> ReceiveAsync(HttpContext context, UploadReading reading)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(_options.BodyTimeout);

        // A read that a token ends leaves the server unable to read on, which it logs as an error with a stack trace; and one of a form
        // would end the connection, without an answer.
        var body = context.Request.BodyReader;
        context.Request.Body = new BodyStream(body);
        using var giveUp = limit.Token.UnsafeRegister(static body => ((PipeReader)body!).CancelPendingRead(), body);
        try
        {
            return await reading.ReadAsync(context.Request, _options);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            throw TooSlow(context, $"The body took longer than {_options.BodyTimeout.TotalSeconds:0.#} s.");
        }
        catch (BadHttpRequestException exception) when (exception.StatusCode == StatusCodes.Status408RequestTimeout)
        {
            throw TooSlow(context, $"The body came at less than {_options.MinBodyBytesPerSecond:n0} bytes a second.");
        }
    }

    private BadHttpRequestException TooSlow(HttpContext context, string reason)
    {
        _log.TooSlow(reason);
        context.Response.OnStarting(() =>
        {
            context.Response.Headers.Connection = "close"; // the rest of the body is not waited for
            return Task.CompletedTask;
        });
        return new BadHttpRequestException(reason, StatusCodes.Status408RequestTimeout);
    }

    private ProblemHttpResult Refusal(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "1";
        var (ofOne, inAll) = (_options.MaxReadingBodiesPerClient, _options.MaxReadingBodies);
        return TypedResults.Problem(
            $"Too many bodies are being received: {ofOne} of one client and {inAll} in all are accepted. "
            + "Try again after the seconds in Retry-After.",
            statusCode: StatusCodes.Status429TooManyRequests);
    }
}
