using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace WebApp.Api;

/// <summary>
/// The number of classes that a request asks for. It is read here, and not by ASP.NET Core, whose refusal would speak of the parameters
/// of C#.
/// </summary>
internal static class TopClasses
{
    private const int Default = 5;

    /// <summary>Reads the number.</summary>
    /// <param name="text">What the request says; null if it says nothing.</param>
    /// <param name="classCount">The number of classes of the model that answers.</param>
    /// <returns>The number asked for; else five, or all classes where there are fewer.</returns>
    /// <exception cref="BadHttpRequestException">It is no whole number from 1 to the number of classes.</exception>
    public static int Parse(string? text, int classCount)
    {
        if (text is null)
        {
            return Math.Min(Default, classCount);
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var top) && top >= 1 && top <= classCount
            ? top
            : throw new BadHttpRequestException(
                $"top is '{text}', but must be a whole number from 1 to {classCount}, the number of the model's classes.");
    }

    /// <summary>Describes the number.</summary>
    /// <param name="classCount">The number of classes of the model in use; null while there is none.</param>
    public static OpenApiSchema Describe(int? classCount) => new()
    {
        Type = JsonSchemaType.Integer,
        Format = "int32",
        Minimum = "1",
        Maximum = classCount?.ToString(CultureInfo.InvariantCulture),
        Default = JsonValue.Create(Math.Min(Default, classCount ?? Default)),
    };
}
