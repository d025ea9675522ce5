namespace Microsoft.ML.ResNet.Packages.Tests;

/// <summary>Shares one feed among the classes that use packages.</summary>
[CollectionDefinition(Name)]
public sealed class PackageCollection : ICollectionFixture<PackageFeed>
{
    internal const string Name = "Packages";
}
