using System.Reflection;

namespace Studio.Hosting;

/// <summary>Serves the page, which lies in the assembly.</summary>
internal static class PageFiles
{
    private const string Folder = "wwwroot/";

    private static readonly Dictionary<string, string> s_types = new()
    {
        [".html"] = "text/html; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".LICENSE"] = "text/plain; charset=utf-8",
    };

    public static void MapPage(this WebApplication app)
    {
        var assembly = Assembly.GetExecutingAssembly();
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(Folder, StringComparison.Ordinal)))
        {
            var path = name[Folder.Length..];
            var type = s_types[Path.GetExtension(path)];
            app.MapGet($"/{(path == "index.html" ? "" : path)}", () => Results.Stream(assembly.GetManifestResourceStream(name)!, type));
        }
    }
}
