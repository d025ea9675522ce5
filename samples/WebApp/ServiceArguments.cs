using System.ComponentModel.DataAnnotations;

namespace WebApp;

/// <summary>
/// The command line. ASP.NET Core passes over what nobody reads, and a misspelt <c>--model</c> would have a new one trained.
/// </summary>
internal static class ServiceArguments
{
    /// <summary>Gets the short names of settings.</summary>
    public static Dictionary<string, string> Switches { get; } = new()
    {
        ["--model"] = $"{ServiceOptions.Section}:{nameof(ServiceOptions.Model)}",
        ["--data"] = $"{ServiceOptions.Section}:{nameof(ServiceOptions.Data)}",
    };

    // Settings of ASP.NET Core that are in no section.
    private static readonly string[] s_others = ["--urls", "--http_ports", "--https_ports", "--AllowedHosts"];

    /// <summary>Refuses what nobody reads.</summary>
    /// <exception cref="ValidationException">There is such an argument; the message names it.</exception>
    public static void Check(string[] args)
    {
        for (var i = 0; i < args.Length; i++)
        {
            var name = args[i].Split('=')[0];
            var isKnown = name.StartsWith("--", StringComparison.Ordinal) && (name.Contains(':', StringComparison.Ordinal)
                || Switches.Keys.Concat(s_others).Contains(name, StringComparer.OrdinalIgnoreCase));
            if (!isKnown)
            {
                throw new ValidationException($"There is no option '{args[i]}'. --help lists them; those of a section are written with it, "
                    + $"such as --{ServiceOptions.Section}:{nameof(ServiceOptions.Engines)} 4.");
            }

            if (name == args[i] && ++i == args.Length)
            {
                throw new ValidationException($"{name} needs a value.");
            }
        }
    }
}
