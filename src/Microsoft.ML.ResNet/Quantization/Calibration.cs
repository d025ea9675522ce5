using System.Collections.Immutable;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Weights;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Quantization;

/// <summary>Scores images with the float network to learn the range of each layer's values.</summary>
/// <remarks>
/// Images pass the stages that they pass when they are scored. The network itself takes the smallest and largest value of each layer in
/// each image, so what is kept is two floats for each image and layer.
/// </remarks>
internal static class Calibration
{
    private const string Pixels = "pixels";

    /// <exception cref="InvalidOperationException">The data has no rows, or a layer's values are not finite.</exception>
    public static NetworkQuantization Run(
        IHostEnvironment environment, IDataView data, ImageColumn image, ResNetModel network, QuantizationOptions options)
    {
        var measured = new QuantizedPlan(network.Plan).Measured;
        data = image.Source == PixelSource.Image ? LoadedImages.Bounded(environment, data) : data;
        var pixels = PixelChain.Fit(environment, data, image, network.Preprocessing.ResizeTo).Transform(data);
        var pixelType = OnnxGraphWriter.PixelTypeOf(image);
        var extremes = image.Source == PixelSource.FloatVector
            ? Measure<float>(environment, pixels, network, pixelType, measured, options.ImageCount)
            : Measure<byte>(environment, pixels, network, pixelType, measured, options.ImageCount);

        var ranges = measured.Select((layer, i) => KeyValuePair.Create(
            layer, Range(extremes[2 * i], extremes[2 * i + 1], options.Percentile, network.Plan.Layers[layer].Name)));
        return new NetworkQuantization(ranges.ToImmutableDictionary(), options.FullRangeWeights);
    }

    // For each output of the meter, a value for each image.
    private static List<float>[] Measure<T>(
        IHostEnvironment environment,
        IDataView pixels,
        ResNetModel network,
        OnnxElementType pixelType,
        ImmutableArray<int> layers,
        int imageCount)
        where T : unmanaged
    {
        using var session = new NetworkSession(environment, OnnxGraphWriter.RangeMeter(network, pixelType, Pixels, layers));
        var batch = new PixelBatch<T>(network.Preprocessing);
        List<float>[] extremes = [.. Enumerable.Range(0, 2 * layers.Length).Select(_ => new List<float>())];
        var value = default(VBuffer<T>);

        var rowCount = CountRows(pixels);
        var column = PixelChain.PixelsOf(pixels.Schema);
        using var cursor = pixels.GetRowCursorSet([column], 1)[0]; // a set of one reads no image of the rows between
        var getPixels = cursor.GetGetter<VBuffer<T>>(column);
        var images = Math.Min(imageCount, rowCount);
        for (long row = 0, next = 0; next < images && cursor.MoveNext(); row++)
        {
            // Row k·n/m, for k = 0, 1, …: folders list one class after another.
            if (row != next * rowCount / images)
            {
                continue;
            }

            next++;
            getPixels(ref value);
            batch.Add(value);
            if (batch.Count == batch.Capacity)
            {
                Score();
            }
        }

        if (batch.Count > 0)
        {
            Score();
        }

        return extremes;

        void Score()
        {
            using var tensor = batch.ToTensor();
            using var outputs = session.Run(tensor);
            foreach (var (output, values) in outputs.Zip(extremes))
            {
                values.AddRange(output.GetTensorDataAsSpan<float>());
            }

            batch.Clear();
        }
    }

    private static long CountRows(IDataView view)
    {
        var count = view.GetRowCount() ?? 0;
        if (count == 0)
        {
            using var cursor = view.GetRowCursor([]);
            while (cursor.MoveNext())
            {
                count++;
            }
        }

        return count > 0
            ? count
            : throw new InvalidOperationException(
                "There is no row to calibrate with. Give a few hundred images like those that will be scored; they need no label.");
    }

    private static ValueRange Range(List<float> smallest, List<float> largest, double percentile, string layer)
    {
        smallest.Sort();
        largest.Sort();
        var last = smallest.Count - 1;
        var kept = (int)Math.Ceiling(last * percentile / 100);
        var (minimum, maximum) = (smallest[last - kept], largest[kept]);
        return float.IsFinite(smallest[0]) && float.IsFinite(largest[last])
            ? new ValueRange(minimum, maximum)
            : throw new InvalidOperationException(
                $"The network cannot be quantized: layer '{layer}' gives values that are infinite or not numbers. "
                + "Check its weights and the calibration images.");
    }
}
