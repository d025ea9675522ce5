using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace Microsoft.ML.ResNet.Packages.Tests.Structure;

/// <summary>All that these tests run on, read once for all compilations.</summary>
internal static class PlatformReferences
{
    public static ImmutableArray<PortableExecutableReference> All { get; } =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];
}
