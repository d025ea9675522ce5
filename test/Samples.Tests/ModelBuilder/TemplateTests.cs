using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Samples.Tests.ModelBuilder;

public sealed class TemplateTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    // No version that was ever published: what was packed here is what is restored.
    private readonly string _version = string.Create(CultureInfo.InvariantCulture, $"0.1.0.{Random.Shared.Next()}");

    [Fact]
    public void ItsNetworksAreThoseOfTheTable()
    {
        var template = JsonSerializer.Deserialize<JsonElement>(
            File.ReadAllText(Path.Combine(Repository.Root, "samples", "Templates", ".template.config", "template.json")));
        var architecture = template.GetProperty("symbols").GetProperty("architecture");
        var choices =
            architecture.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("choice").GetString()!).ToArray();

        Assert.All(choices, choice => Assert.NotEqual(ShortcutKind.None, ResNetArchitecture.Parse(choice).Shortcut));
        Assert.Contains(architecture.GetProperty("defaultValue").GetString(), choices);
    }

    [Fact]
    public void AProjectMadeOfItBuildsTrainsAndClassifies()
    {
        Packing.Pack(
            _folder["feed"], _version, "src/Microsoft.ML.ResNet/Microsoft.ML.ResNet.csproj",
            "src/Trainers/Microsoft.ML.ResNet.Trainers.csproj", "samples/Templates/Templates.csproj");
        DotNet("new", "install", Path.Combine(_folder["feed"], $"ResNet.MLNet.Templates.{_version}.nupkg"), "--debug:custom-hive",
            _folder["hive"]);

        // A folder whose name has to be escaped in JSON.
        DotNet("new", "resnet-classifier", "-n", "Flowers", "--architecture", "resnet32", "--image-folder", "my \"best\" images",
            "--image-size", "24", "--epochs", "2", "--debug:custom-hive", _folder["hive"]);
        var project = _folder["Flowers"];
        Assert.All(Directory.GetFiles(project), file =>
        {
            var text = File.ReadAllText(file);
            Assert.All(["ModelBuilder", "sample)", "_VERSION", "ShapesDataset"], mark => Assert.DoesNotContain(mark, text));
        });
        var config = JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(Path.Combine(project, "MLModel.mbconfig")));
        Assert.Equal("my \"best\" images", config.GetProperty("DataSource").GetProperty("FolderPath").GetString());
        var option = config.GetProperty("TrainingOption");
        Assert.Equal(
            ("resnet32", 24, 2),
            (
                option.GetProperty("Architecture").GetString(),
                option.GetProperty("ImageSize").GetInt32(),
                option.GetProperty("Epochs").GetInt32()));

        WriteConsumer(project);
        Build("Flowers", "Consumer");
        Pictures.Write(Path.Combine(project, "my \"best\" images"), perClass: 16, height: 20, width: 30);
        var run = SampleProcess.Run("dotnet", [Output("Flowers")], folder: project).Succeeded();
        Assert.Contains("Epoch 2 of 2, step ", run.Error);
        Assert.Matches("test accuracy [0-9.]+ %, log-loss", run.Output);
        var scores = run.Lines[^3..];
        Assert.Equal(["diagonal", "lying", "standing"], scores.Select(line => line.Split(':')[0]).Order());

        File.Copy(Path.Combine(project, "MLModel.mlnet"), _folder["Consumer/MLModel.mlnet"]);
        var consumed = SampleProcess.Run("dotnet", [Output("Consumer"), run.Lines[^4]], folder: _folder["Consumer"]).Succeeded();
        Assert.Equal(scores, consumed.Lines);
    }

    public void Dispose() => _folder.Dispose();

    // A program with the consumption part alone, and with the packages that it says it needs, which asks from many threads at once.
    private void WriteConsumer(string project)
    {
        Directory.CreateDirectory(_folder["Consumer"]);
        File.Copy(Path.Combine(project, "MLModel.consumption.cs"), _folder["Consumer/MLModel.consumption.cs"]);
        File.WriteAllText(_folder["Consumer/Program.cs"], """
            using System.Globalization;
            using Flowers;

            var input = new MLModel.ModelInput { ImageSource = File.ReadAllBytes(args[0]) };
            var outputs = new MLModel.ModelOutput[64];
            Parallel.For(0, outputs.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => outputs[i] = MLModel.Predict(input));
            var scores = MLModel.PredictAllLabels(input).ToArray();
            foreach (var output in outputs)
            {
                if (output.PredictedLabel != scores[0].Key || !MLModel.GetSortedScoresWithLabels(output).SequenceEqual(scores))
                {
                    throw new InvalidOperationException("A thread got another answer.");
                }
            }

            foreach (var (label, probability) in scores)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{label}: {probability:p1}"));
            }
            """);
        string[] packages =
        [
            "Microsoft.ML.OnnxRuntime",
            // they come anyway, but the versions that are asked for are not on this machine
            "SkiaSharp", "SkiaSharp.NativeAssets.Linux.NoDependencies", "Google.Protobuf", "System.Numerics.Tensors",
        ];
        File.WriteAllText(_folder["Consumer/Consumer.csproj"], $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <InvariantGlobalization>true</InvariantGlobalization>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Microsoft.ML.ResNet" Version="{_version}" />
                {string.Concat(packages.Select(package => $"<PackageReference Include=\"{package}\" Version=\"{VersionOf(package)}\" />"))}
              </ItemGroup>
            </Project>
            """);
    }

    // Our packages come from the feed into a folder of their own; all others are where this
    // repository's restore has put them. Nothing is fetched.
    private void Build(params string[] projects)
    {
        new XElement("Solution", projects.Select(project => new XElement("Project", new XAttribute("Path", $"{project}/{project}.csproj"))))
            .Save(_folder["Both.slnx"]);
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        DotNet("build", _folder["Both.slnx"], "-c", "Release", $"-p:RestoreSources={_folder["feed"]}",
            $"-p:RestorePackagesPath={_folder["packages"]}", $"-p:RestoreFallbackFolders={packages}",
            "-p:CreateHardLinksForCopyLocalIfPossible=true", "-p:TreatWarningsAsErrors=true");
    }

    private string Output(string project) => _folder[$"{project}/bin/Release/net10.0/{project}.dll"];

    private void DotNet(params string[] arguments) => SampleProcess.Run("dotnet", arguments, folder: _folder.Path).Succeeded();

    private static string VersionOf(string package) =>
        XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props"))
            .Descendants("PackageVersion")
            .Single(each => each.Attribute("Include")!.Value == package)
            .Attribute("Version")!.Value;
}
