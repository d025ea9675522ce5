namespace WebApp;

/// <summary>Everything that is logged of the service's own. Nothing of an image is: no content, no file name.</summary>
internal static partial class Log
{
    [LoggerMessage(LogLevel.Information, "Classified {Images} images, and refused {Refused}, in {Milliseconds:f1} ms with model {Model}")]
    public static partial void Answered(this ILogger log, int images, int refused, double milliseconds, string model);

    [LoggerMessage(LogLevel.Information, "Refused an image: {Reason}")]
    public static partial void Refused(this ILogger log, string reason);

    [LoggerMessage(LogLevel.Debug, "Receiving a body of one client: it takes {Places} of its places")]
    public static partial void Receiving(this ILogger log, int places);

    [LoggerMessage(LogLevel.Information, "Gave up a body that came too slowly: {Reason}")]
    public static partial void TooSlow(this ILogger log, string reason);

    [LoggerMessage(LogLevel.Warning, "Gave up a request to {Route}: it took longer than {Seconds:0.#} s")]
    public static partial void TimedOut(this ILogger log, string route, double seconds);

    [LoggerMessage(LogLevel.Information, "Loaded model {Path}: version {Version}, {Classes} classes")]
    public static partial void Loaded(this ILogger log, string path, string version, int classes);

    [LoggerMessage(LogLevel.Error, "Model {Path} cannot be loaded: {Reason}")]
    public static partial void NotLoaded(this ILogger log, string path, string reason);

    [LoggerMessage(LogLevel.Information, "There is no model {Path}: training one with {Trainer}")]
    public static partial void Training(this ILogger log, string path, string trainer);

    [LoggerMessage(LogLevel.Error, "No model was trained to {Path}: {Reason}")]
    public static partial void NotTrained(this ILogger log, string path, string reason);
}
