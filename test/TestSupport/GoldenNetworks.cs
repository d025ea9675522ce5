using System.Text.Json;

namespace Microsoft.ML.ResNet.TestSupport;

/// <summary>The golden logits of torchvision's networks, on weights and input given by a formula.</summary>
internal sealed class GoldenNetworks : IDisposable
{
    private readonly JsonDocument _reference = JsonDocument.Parse(File.ReadAllBytes(Repository.Shared("reference/imagenet_networks.json")));

    public JsonElement this[string name] => _reference.RootElement.GetProperty("networks").GetProperty(name);

    public void Dispose() => _reference.Dispose();

    /// <summary>x[i] = sin(0.1·i), flat.</summary>
    public static float[] Input(int size) => [.. Enumerable.Range(0, size).Select(i => (float)Math.Sin(0.1 * i))];

    /// <summary>The k-th tensor's i-th value comes from w = cos(0.37·i + 1.3·k).</summary>
    public static ResNetWeights Weights(LayerPlan plan) => new(plan.Weights.Select((spec, k) =>
    {
        var fanIn = spec.Shape.Skip(1).Aggregate(1, (product, size) => product * size);
        var values = new float[spec.Size];
        for (var i = 0; i < values.Length; i++)
        {
            var w = Math.Cos(0.37 * i + 1.3 * k);
            values[i] = (float)(spec.Role switch
            {
                WeightRole.ConvolutionWeight or WeightRole.LinearWeight => w * Math.Sqrt(2.0 / fanIn),
                WeightRole.BatchNormWeight => 1 + 0.1 * w,
                WeightRole.BatchNormBias or WeightRole.LinearBias => 0.05 * w,
                WeightRole.RunningMean => 0.1 * w,
                _ => 1 + 0.2 * w,
            });
        }

        return new WeightTensor(spec.Name, spec.Shape, values);
    }));
}
