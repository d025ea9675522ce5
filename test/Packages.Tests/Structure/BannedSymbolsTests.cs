using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Packages.Tests.Structure;

/// <summary>The analyzer that the libraries are built with finds what src/BannedSymbols.txt means.</summary>
public sealed class BannedSymbolsTests
{
    private const string Banned = "RS0030";

    [Fact]
    public async Task EveryOverloadOfCollectIsRefused()
    {
        var calls = typeof(GC).GetMethods().Where(method => method.Name == nameof(GC.Collect)).Select(Call).ToArray();
        Assert.True(calls.Length >= 5);

        var refused = await RefusedLines(calls);

        Assert.Equal(Enumerable.Range(0, calls.Length), refused);
    }

    [Theory]
    [InlineData("new System.Random()")]
    [InlineData("System.Random.Shared.Next()")]
    [InlineData("_ = System.DateTime.Now")]
    [InlineData("_ = System.DateTimeOffset.Now")]
    [InlineData("System.Console.WriteLine()")]
    [InlineData("System.Environment.Exit(1)")]
    public async Task WhatALibraryMustNotDoIsRefused(string call) => Assert.Equal([0], await RefusedLines(call));

    [Fact]
    public async Task OtherCallsAreNot() => Assert.Empty(
        await RefusedLines("System.GC.KeepAlive(null)", "new System.Random(1).Next()", "_ = System.DateTime.UtcNow"));

    [Fact]
    public void CollectIsCalledInOneMarkedPlace()
    {
        var files = Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Select(File.ReadAllText).Where(text => text.Contains("GC.Collect(", StringComparison.Ordinal));

        Assert.Contains($"#pragma warning disable {Banned}", Assert.Single(files), StringComparison.Ordinal);
    }

    private static string Call(MethodInfo method)
    {
        var arguments = method.GetParameters().Select(parameter => $"default({parameter.ParameterType.FullName})");
        return $"System.GC.Collect({string.Join(", ", arguments)})";
    }

    // The calls that the analyzer complains of, counted from 0.
    private static async Task<IEnumerable<int>> RefusedLines(params string[] calls)
    {
        var path = Path.Combine(Repository.Root, "src", "BannedSymbols.txt");
        var source = "class Library { void Run() {\n" + string.Join('\n', calls.Select(call => call + ";")) + "\n} }";
        var compilation = CSharpCompilation.Create(
            "Library",
            [CSharpSyntaxTree.ParseText(source)],
            PlatformReferences.All,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        var errors = compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
        Assert.Empty(errors);

        var options = new AnalyzerOptions([new TextFile(path)]);
        var found = await compilation.WithAnalyzers([LoadAnalyzer()], options).GetAnalyzerDiagnosticsAsync();
        Assert.All(found, diagnostic => Assert.Equal(Banned, diagnostic.Id));
        return found.Select(diagnostic => diagnostic.Location.GetLineSpan().StartLinePosition.Line - 1).Distinct().Order();
    }

    private static DiagnosticAnalyzer LoadAnalyzer()
    {
        var folder = typeof(BannedSymbolsTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(each => each.Key == "BannedApiAnalyzers").Value!;
        Assembly.LoadFrom(Path.Combine(folder, "Microsoft.CodeAnalysis.BannedApiAnalyzers.dll"));
        var assembly = Assembly.LoadFrom(Path.Combine(folder, "Microsoft.CodeAnalysis.CSharp.BannedApiAnalyzers.dll"));
        var type = assembly.GetTypes().Single(each =>
            each.Name == "CSharpSymbolIsBannedAnalyzer" && !each.IsAbstract && each.IsSubclassOf(typeof(DiagnosticAnalyzer)));
        return (DiagnosticAnalyzer)Activator.CreateInstance(type, nonPublic: true)!;
    }

    private sealed class TextFile(string path) : AdditionalText
    {
        public override string Path => path;

        public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(File.ReadAllText(path));
    }
}
