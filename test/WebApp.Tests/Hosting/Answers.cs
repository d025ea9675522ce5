using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace WebApp.Tests.Hosting;

/// <summary>What an answer must be.</summary>
internal static class Answers
{
    // For any number of images, ONNX Runtime adds some sums up in another order than for one.
    private const float Tolerance = 1e-6f;

    /// <summary>Checks that the most probable classes are there, with the probabilities that plain ML.NET gives.</summary>
    public static void AssertPredictions(Dictionary<string, float> expected, JsonElement predictions, int top = 5)
    {
        var actual = predictions.EnumerateArray()
            .Select(each => (Label: each.GetProperty("label").GetString()!, Probability: each.GetProperty("probability").GetSingle()))
            .ToArray();
        Assert.Equal(Math.Min(top, expected.Count), actual.Length);
        Assert.All(
            expected.Values.OrderDescending().Take(top).Zip(actual),
            pair => Assert.InRange(pair.Second.Probability, pair.First - Tolerance, pair.First + Tolerance));
        Assert.All(
            actual, each => Assert.InRange(each.Probability, expected[each.Label] - Tolerance, expected[each.Label] + Tolerance));
    }

    public static async Task<JsonElement> JsonAsync(HttpResponseMessage response)
    {
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>Checks that an answer is a problem-details document (RFC 9457) of a status, and that it says what is wrong.</summary>
    public static async Task AssertProblemAsync(HttpStatusCode status, string detail, HttpResponseMessage response)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        AssertProblem(status, detail, await response.Content.ReadFromJsonAsync<JsonElement>());
    }

    /// <summary>Checks the headers that every answer must have, so that a browser takes it for nothing else.</summary>
    public static void AssertSecurityHeaders(HttpResponseMessage response)
    {
        string Header(string name) => response.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : "(none)";

        Assert.Equal("nosniff", Header("X-Content-Type-Options"));
        Assert.Equal("no-referrer", Header("Referrer-Policy"));
        Assert.Equal("DENY", Header("X-Frame-Options"));
        Assert.Equal("same-origin", Header("Cross-Origin-Opener-Policy"));
        Assert.Equal("same-origin", Header("Cross-Origin-Resource-Policy"));
        Assert.Contains("default-src 'none'", Header("Content-Security-Policy"));
        Assert.Contains("frame-ancestors 'none'", Header("Content-Security-Policy"));
        Assert.Equal(response.Content.Headers.ContentType?.MediaType == "text/html", Header("Content-Security-Policy").Contains("'self'"));
        Assert.DoesNotContain("unsafe", Header("Content-Security-Policy"));
        Assert.Equal("(none)", Header("Server"));
    }

    public static void AssertProblem(HttpStatusCode status, string detail, JsonElement problem)
    {
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        Assert.NotEmpty(problem.GetProperty("title").GetString()!);
        Assert.Contains(detail, problem.GetProperty("detail").GetString());
    }
}
