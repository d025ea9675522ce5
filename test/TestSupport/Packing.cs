using System.Xml.Linq;

namespace Microsoft.ML.ResNet.TestSupport;

/// <summary>Packs projects of the repository as they were built, all in one process: each start of MSBuild takes seconds.</summary>
internal static class Packing
{
    /// <summary>Packs projects.</summary>
    /// <param name="output">The folder for the packages, which is made.</param>
    /// <param name="version">Their version; null for their own.</param>
    /// <param name="projects">Paths of project files from the repository's root.</param>
    public static void Pack(string output, string? version, params string[] projects)
    {
        using var folder = new TemporaryFolder();
        var properties = $"Configuration={SampleProcess.Configuration};NoBuild=true;_IsPacking=true;PackageOutputPath={output}"
            + (version is null ? "" : $";Version={version}");
        new XElement("Project",
            new XElement("Target", new XAttribute("Name", "Pack"),
                new XElement("MSBuild",
                    new XAttribute("Projects", string.Join(';', projects.Select(project => Path.Combine(Repository.Root, project)))),
                    new XAttribute("Targets", "Pack"),
                    new XAttribute("Properties", properties))))
            .Save(folder["Pack.proj"]);
        SampleProcess.Run(
            "dotnet", ["msbuild", folder["Pack.proj"], "-nologo", "-verbosity:minimal", "-tl:off"],
            environment: [("MSBUILDDISABLENODEREUSE", "1")]).Succeeded();
    }
}
