namespace WebApp.Api;

/// <summary>The images of a request whose body has been received, as a feature of its context.</summary>
internal sealed record ReceivedUploads(Upload[] Uploads)
{
    public static Upload[] Of(HttpContext context) => context.Features.Get<ReceivedUploads>()!.Uploads;
}
