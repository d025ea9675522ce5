using Microsoft.AspNetCore.Http.Features;
using Studio.Hosting;

namespace Studio.Data;

/// <summary>The first step: images and classes.</summary>
internal static class DataEndpoints
{
    private const int MostListed = 5000;
    private const long MostArchiveBytes = 20L << 30;

    public static void MapData(this IEndpointRouteBuilder app)
    {
        app.MapGet("/api/project", (ImageProject project) => Describe(project, project.Refresh()));
        app.MapGet("/api/images", Images);
        app.MapGet("/api/thumbnail", ThumbnailAsync);
        app.MapGet("/api/check", (ImageCheck check) => check.Result);
        app.MapPost("/api/check", (ImageCheck check) => check.Start());
        app.MapPost("/api/classes", (ClassName name, ImageProject project) => After(project, () => project.NewClass(name.Name)));
        app.MapPost("/api/split", (Splitting split, ImageProject project) =>
            After(project, () => project.Split(split.Classes, split.Test)));
        app.MapPost("/api/classes/rename", (Renaming names, ImageProject project, ImageCheck check) =>
            After(project, () => project.RenameClass(names.From, names.To), check));
        app.MapPost("/api/images/move", (Moving move, ImageProject project, ImageCheck check) =>
            After(project, () => project.MoveTo(move.Images, move.Class), check));
        app.MapPost("/api/images/trash", (Removing images, ImageProject project, ImageCheck check) =>
            After(project, () => project.MoveToTrash(images.Images), check));
        app.MapPost("/api/undo", (ImageProject project, ImageCheck check) => After(project, () => project.Undo(), check));
        app.MapPost("/api/upload", UploadAsync);
    }

    private static ProjectDescription After(ImageProject project, Action change, ImageCheck? check = null)
    {
        change();
        check?.Start();
        return Describe(project, project.Current);
    }

    private static ProjectDescription Describe(ImageProject project, Listing listing) => new(
        Path.GetFileName(project.Folder), project.Folder, listing.Layout.Parts, listing.Count,
        [.. listing.Classes.Select(each => new ClassDescription(each.Name, [.. each.Images.Select(part => part.Length)]))],
            project.NextUndo);

    private static ImagePage Images(string @class, string? part, int? from, int? count, ImageProject project)
    {
        var images = project.Current.ImagesOf(@class, part);
        var start = Math.Clamp(from ?? 0, 0, images.Length);
        return new ImagePage(images.Length, start, images[start..Math.Min(images.Length, start + Math.Clamp(count ?? 500, 0, MostListed))]);
    }

    private static async Task<IResult> ThumbnailAsync(
        string image, int? size, ImageProject project, Thumbnails thumbnails, HttpContext context, CancellationToken cancellation)
    {
        var path = project.PathOf(project.Find(image) ?? image);
        try
        {
            var (content, type) = await thumbnails.MakeAsync(path, Math.Clamp(size ?? 160, 16, 1024), cancellation);
            context.Response.Headers.CacheControl = "private, max-age=600";
            return Results.Bytes(content, type);
        }
        catch (InvalidDataException)
        {
            throw new RefusedException($"'{image}' cannot be read as an image.", StatusCodes.Status422UnprocessableEntity);
        }
    }

    private static async Task<UploadResult> UploadAsync(
        string name, string? @class, string? part, HttpRequest request, ImageProject project, ImageCheck check, EventStream events,
        CancellationToken cancellation)
    {
        if (name.EndsWith(".zip", StringComparison.OrdinalIgnoreCase))
        {
            return await UnpackAsync(request, project, check, events, cancellation);
        }

        var content = await UploadedImage.ReadAsync(request.Body, cancellation);
        var extension = UploadedImage.Check(content);
        var image = project.Add(@class, part, Names.ForFile(name, extension), content);
        return new UploadResult(1, [], image);
    }

    private static async Task<UploadResult> UnpackAsync(
        HttpRequest request, ImageProject project, ImageCheck check, EventStream events, CancellationToken cancellation)
    {
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } bound)
        {
            bound.MaxRequestBodySize = MostArchiveBytes;
        }

        var path = Path.Combine(Path.GetTempPath(), $"resnet-studio-{Guid.NewGuid():n}.zip");
        try
        {
            await using (var file = new FileStream(path, FileMode.CreateNew))
            {
                await request.Body.CopyToAsync(file, cancellation);
            }

            var (added, refused) = await Task.Run(
                () => ArchiveImport.Unpack(path, project, (done, total) =>
                {
                    if (done % 50 == 0)
                    {
                        events.Send("unpacking", new { done, total });
                    }
                }),
                cancellation);
            project.Refresh();
            check.Start();
            return new UploadResult(added, refused, null);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private sealed record ClassName(string? Name);

    private sealed record Renaming(string? From, string? To);

    private sealed record Splitting(string[] Classes, string? Test);

    private sealed record Moving(string[] Images, string? Class);

    private sealed record Removing(string[] Images);

    private sealed record UploadResult(int Added, List<string> Refused, string? Image);

    private sealed record ImagePage(int Total, int From, string[] Images);

    private sealed record ClassDescription(string Name, int[] Counts);

    private sealed record ProjectDescription(
        string Name, string Folder, string[] Parts, int Images, ClassDescription[] Classes, string? Undo);
}
