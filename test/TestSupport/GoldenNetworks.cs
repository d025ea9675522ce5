using System.Text.Json;

namespace Microsoft.ML.ResNet.TestSupport;

/// <summary>The golden logits of torchvision's networks, on weights and input given by a formula.</summary>
internal sealed class GoldenNetworks : IDisposable
{
    private static readonly (double Sin, double Cos)[] Turns = [.. Enumerable.Range(0, 1024).Select(i => Math.SinCos(0.37 * i))];

    private readonly JsonDocument _reference = JsonDocument.Parse(File.ReadAllBytes(Repository.Shared("reference/imagenet_networks.json")));

    public JsonElement this[string name] => _reference.RootElement.GetProperty("networks").GetProperty(name);

    public void Dispose() => _reference.Dispose();

    /// <summary>x[i] = sin(0.1·i), flat.</summary>
    public static float[] Input(int size) => [.. Enumerable.Range(0, size).Select(i => (float)Math.Sin(0.1 * i))];

    /// <summary>The k-th tensor's i-th value comes from w = cos(0.37·i + 1.3·k).</summary>
    public static ResNetWeights Weights(LayerPlan plan) => new(plan.Weights.Select((spec, k) =>
    {
        var fanIn = spec.Shape.Skip(1).Aggregate(1, (product, size) => product * size);
        var (centre, reach) = spec.Role switch
        {
            WeightRole.ConvolutionWeight or WeightRole.LinearWeight => (0, Math.Sqrt(2.0 / fanIn)),
            WeightRole.BatchNormWeight => (1, 0.1),
            WeightRole.BatchNormBias or WeightRole.LinearBias => (0, 0.05),
            WeightRole.RunningMean => (0, 0.1),
            _ => (1, 0.2),
        };
        return new WeightTensor(spec.Name, spec.Shape, Wave(spec.Size, 1.3 * k, centre, reach));
    }));

    // centre + reach·cos(0.37·i + phase), by cos(a + b) = cos a·cos b − sin a·sin b: hundreds of
    // millions of cosines take longer than the networks.
    private static float[] Wave(int count, double phase, double centre, double reach)
    {
        var values = new float[count];
        for (var start = 0; start < count; start += Turns.Length)
        {
            var (sine, cosine) = Math.SinCos(0.37 * start + phase);
            var block = values.AsSpan(start, Math.Min(Turns.Length, count - start));
            for (var i = 0; i < block.Length; i++)
            {
                block[i] = (float)(centre + reach * (cosine * Turns[i].Cos - sine * Turns[i].Sin));
            }
        }

        return values;
    }
}
