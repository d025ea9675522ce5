using System.Reflection;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace WebApp.Api;

/// <summary>What the OpenAPI document says of the service as a whole.</summary>
internal static class ServiceDescription
{
    private static string Version { get; } = typeof(ServiceDescription).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0]; // without the commit

    public static Task Write(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellation)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Image classifier",
            Version = Version,
            Description = "Tells what images show, with a residual network. Errors are problem details (RFC 9457).",
            License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" },
        };
        return Task.CompletedTask;
    }
}
