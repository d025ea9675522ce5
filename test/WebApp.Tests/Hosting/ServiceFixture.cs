using Microsoft.ML.ResNet.TestSupport;

namespace WebApp.Tests.Hosting;

/// <summary>A service with a small model and bounds that no test reaches by chance, shared by the tests of a class.</summary>
public sealed class ServiceFixture : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    internal TestService Service { get; private set; } = null!;

    internal string ModelPath => _folder["model.zip"];

    internal ReferenceScores Reference { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        TestModel.Save(_folder["model.zip"]);
        Reference = new ReferenceScores(_folder["model.zip"]);
        Service = await TestService.StartReadyAsync(
            _folder["model.zip"], "WaitingRequests=500", "MaxImageBytes=100000", "MaxBatchImages=10", "MaxPixels=1000000", "Engines=3");
    }

    public async Task DisposeAsync()
    {
        await Service.DisposeAsync();
        Reference.Dispose();
        _folder.Dispose();
    }
}
