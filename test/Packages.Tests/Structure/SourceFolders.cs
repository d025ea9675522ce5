using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Microsoft.ML.ResNet.Packages.Tests.Structure;

/// <summary>A line of a folder that names something which another folder declares.</summary>
/// <param name="From">The folder of the line.</param>
/// <param name="To">The folder of the declaration.</param>
/// <param name="File">The file of the line, from the root of the sources.</param>
/// <param name="Line">The line, counted from 1.</param>
/// <param name="Symbol">What is named.</param>
internal sealed record FolderUse(string From, string To, string File, int Line, string Symbol)
{
    public override string ToString() => $"{File}:{Line} uses {Symbol} of {To}";
}

/// <summary>A line that calls a method.</summary>
/// <param name="File">The file of the line, from the root of the sources.</param>
/// <param name="Line">The line, counted from 1.</param>
/// <param name="Type">The full name of the type that has the method.</param>
/// <param name="Name">The method.</param>
/// <param name="Parameters">The names of its parameters.</param>
internal sealed record MethodCall(string File, int Line, string Type, string Name, ImmutableArray<string> Parameters)
{
    public override string ToString() => $"{File}:{Line} calls {Type.Split('.')[^1]}.{Name}";
}

/// <summary>The sources of a library, as the compiler understands them, by the folders that they lie in.</summary>
/// <remarks>
/// A folder in a folder counts as a folder of its own. What lies at the root is folder <c>.</c>. Comments do not count: a summary may
/// name what it likes.
/// </remarks>
internal sealed class SourceFolders
{
    // What Microsoft.NET.Sdk adds under ImplicitUsings.
    private const string GlobalUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    // A partial method whose other half a source generator writes.
    private const string NotGenerated = "CS8795";

    // Several tests look into the same library.
    private static readonly ConcurrentDictionary<string, SourceFolders> s_read = new();

    private readonly CSharpCompilation _compilation;
    private readonly ImmutableArray<SyntaxTree> _files;

    private SourceFolders(string assembly, ImmutableArray<SyntaxTree> files)
    {
        _files = files;
        _compilation = CSharpCompilation.Create(
            assembly,
            files.Add(CSharpSyntaxTree.ParseText(GlobalUsings)),
            References(assembly),
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
        Errors = [.. _compilation.GetDiagnostics().Where(each => each.Severity == DiagnosticSeverity.Error && each.Id != NotGenerated)];
        Names = [.. files.Select(FolderOf).Distinct()];
    }

    /// <summary>Gets the errors of the compiler; where it has one, a use may be missed.</summary>
    public ImmutableArray<Diagnostic> Errors { get; }

    /// <summary>Gets the folders that have files.</summary>
    public ImmutableArray<string> Names { get; }

    /// <summary>Reads the sources of a library.</summary>
    /// <param name="assembly">The name of the library, which may look into those that it refers to.</param>
    /// <param name="root">The folder of its project.</param>
    public static SourceFolders Read(string assembly, string root) => s_read.GetOrAdd(root, _ => new(assembly,
    [
        .. SourceFiles.Below(root).Select(path =>
            CSharpSyntaxTree.ParseText(File.ReadAllText(path), path: Path.GetRelativePath(root, path).Replace('\\', '/'))),
    ]));

    /// <summary>Takes sources from memory.</summary>
    /// <param name="files">The path of each, from the root, and its text.</param>
    public static SourceFolders Of(params (string Path, string Text)[] files) =>
        new("Memory", [.. files.Select(file => CSharpSyntaxTree.ParseText(file.Text, path: file.Path))]);

    /// <summary>Finds every line that names what another folder declares.</summary>
    public IEnumerable<FolderUse> Uses() => _files.SelectMany(UsesOf).Distinct();

    /// <summary>Finds every call of a method, and every place that hands one over.</summary>
    public IEnumerable<MethodCall> Calls() => _files.SelectMany(file =>
    {
        var model = _compilation.GetSemanticModel(file);
        return file.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>()
            .Select(node => (Node: node, Method: model.GetSymbolInfo(node).Symbol as IMethodSymbol))
            .Where(each => each.Method is not null)
            .Select(each => new MethodCall(
                file.FilePath,
                file.GetLineSpan(each.Node.Span).StartLinePosition.Line + 1,
                each.Method!.ContainingType.ToDisplayString(),
                each.Method.Name,
                [.. each.Method.Parameters.Select(parameter => parameter.Name)]));
    });

    /// <summary>Finds the uses that go against an order.</summary>
    /// <param name="order">All folders, the ground first: each may use those before it.</param>
    public ImmutableArray<FolderUse> Upward(ImmutableArray<string> order) =>
    [
        .. Uses()
            .Where(use => order.IndexOf(use.To) > order.IndexOf(use.From))
            .OrderBy(use => use.File, StringComparer.Ordinal)
            .ThenBy(use => use.Line),
    ];

    // What the tests run on, but neither the library itself nor what is made of it.
    private static IEnumerable<MetadataReference> References(string assembly) => PlatformReferences.All
        .Where(each => !Path.GetFileNameWithoutExtension(each.FilePath!).StartsWith(assembly, StringComparison.Ordinal));

    private static string FolderOf(SyntaxTree file) =>
        Path.GetDirectoryName(file.FilePath) is { Length: > 0 } folder ? folder.Replace('\\', '/') : ".";

    private IEnumerable<FolderUse> UsesOf(SyntaxTree file)
    {
        var (model, from) = (_compilation.GetSemanticModel(file), FolderOf(file));
        foreach (var node in file.GetRoot().DescendantNodes())
        {
            foreach (var symbol in SymbolsOf(model, node))
            {
                var folders = symbol.DeclaringSyntaxReferences.Select(each => FolderOf(each.SyntaxTree)).ToArray();
                if (folders.Length > 0 && !folders.Contains(from))
                {
                    var line = file.GetLineSpan(node.Span).StartLinePosition.Line + 1;
                    yield return new FolderUse(from, folders[0], file.FilePath, line, NameOf(symbol));
                }
            }
        }
    }

    // Of types and their members, also where no name is written: new(…), an indexer, an operator, a conversion.
    private static IEnumerable<ISymbol> SymbolsOf(SemanticModel model, SyntaxNode node)
    {
        if (!IsNamedByPart(node) && model.GetSymbolInfo(node).Symbol is { } symbol && IsDeclared(symbol))
        {
            yield return Declared(symbol);
        }

        if (node is ExpressionSyntax && model.GetConversion(node).MethodSymbol is { } conversion)
        {
            yield return Declared(conversion);
        }
    }

    // What a name in these nodes stands for, the nodes themselves stand for too.
    private static bool IsNamedByPart(SyntaxNode node) => node
        is MemberAccessExpressionSyntax or MemberBindingExpressionSyntax or QualifiedNameSyntax or AliasQualifiedNameSyntax
        or InvocationExpressionSyntax or ObjectCreationExpressionSyntax or AttributeSyntax;

    // Not what lives in a method, nor an element of a tuple or an anonymous type.
    private static bool IsDeclared(ISymbol symbol) => symbol is INamedTypeSymbol { IsTupleType: false, IsAnonymousType: false }
        || (symbol is IMethodSymbol or IPropertySymbol or IFieldSymbol or IEventSymbol
            && symbol.ContainingType is { IsTupleType: false, IsAnonymousType: false });

    // As it was written: an extension with its first argument, a generic one with its parameters; a member that the compiler adds is
    // its type's.
    private static ISymbol Declared(ISymbol symbol)
    {
        var declared = ((symbol as IMethodSymbol)?.ReducedFrom ?? symbol).OriginalDefinition;
        return declared.DeclaringSyntaxReferences.IsEmpty && declared.ContainingType is { } type ? type.OriginalDefinition : declared;
    }

    private static string NameOf(ISymbol symbol) => symbol is not INamedTypeSymbol && symbol.ContainingType is { } type
        ? $"{type.Name}.{symbol.Name}"
        : symbol.Name;
}
