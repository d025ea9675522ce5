using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Studio.Hosting;

/// <summary>
/// Lets in who has the token, from a page of this server. Every page that is open in the browser can send requests to this machine, and
/// a name of its own can be made to lead here: so the token is a part of every path, and Host and Origin are checked.
/// </summary>
internal sealed class AccessGuard(StudioOptions options)
{
    private readonly byte[] _token = Encoding.UTF8.GetBytes(options.Token);

    public async Task Invoke(HttpContext context, RequestDelegate next)
    {
        SetHeaders(context);
        if (!IsOwnHost(context.Request.Host) || !IsOwnOrigin(context.Request))
        {
            await Refuse(context, StatusCodes.Status403Forbidden, "This request does not come from the studio's own page.");
            return;
        }

        if (!TryTakeToken(context.Request))
        {
            await Refuse(context, StatusCodes.Status404NotFound,
                "There is nothing here. Open the whole address that the studio printed when it started.");
            return;
        }

        await next(context);
    }

    private static void SetHeaders(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()";
        headers.CacheControl = "no-store";
    }

    private bool IsOwnHost(HostString host) =>
        host.Host is "localhost" or "127.0.0.1" or "[::1]" || (!IPAddress.IsLoopback(options.Host) && IPAddress.TryParse(host.Host, out _));

    private static bool IsOwnOrigin(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site && site is not ("same-origin" or "none"))
        {
            // A link from elsewhere may open the page; nothing else may come from there.
            return HttpMethods.IsGet(request.Method) && request.Headers["Sec-Fetch-Mode"] == "navigate";
        }

        return request.Headers.Origin.ToString() is not { Length: > 0 } origin || origin == $"{request.Scheme}://{request.Host}";
    }

    // /TOKEN/rest becomes /rest.
    private bool TryTakeToken(HttpRequest request)
    {
        var path = request.Path.Value ?? "";
        var end = path.IndexOf('/', 1);
        if (end < 0 || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(path[1..end]), _token))
        {
            return false;
        }

        (request.PathBase, request.Path) = (request.PathBase.Add(path[..end]), path[end..]);
        return true;
    }

    private static Task Refuse(HttpContext context, int status, string why)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(why);
    }
}
