using System.Diagnostics;
using Microsoft.ML.ResNet.Trainers;
using SkiaSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.utils.data;

namespace Benchmarks.Peers;

/// <summary>
/// TorchSharp as its published examples use it: modules, float32, NCHW, its DataLoader, its optimizer, the loss read at
/// every step. In its favour: images are decoded beforehand, and neither augmented nor read again, and what a step made is
/// freed after it, without which memory runs out.
/// </summary>
internal static class NaiveTraining
{
    public static readonly Peer<TrainingWork, TrainingRate> Peer = new("naive", Train);

    private static TrainingRate Train(TrainingWork work)
    {
        LibTorchSharpLoader.EnsureLoaded(); // and nothing else of ours: the allocator stays as it is
        set_num_threads(work.Threads);
        random.manual_seed(1);
        using var data = new DecodedImages(work);
        using var model = new NaiveNetwork(work.Plan);
        using var loader = DataLoader(data, work.BatchSize, shuffle: true, device: CPU);
        using var optimizer = optim.SGD(model.parameters(), 0.01, momentum: 0.9, weight_decay: 1e-4);
        var loss = nn.CrossEntropyLoss();
        var (clock, step) = (new StepClock(work.WarmUp, work.Seconds), 0);
        model.train();
        while (!clock.IsOver)
        {
            foreach (var batch in loader)
            {
                using var scope = NewDisposeScope();
                optimizer.zero_grad();
                var output = loss.call(model.call(batch["data"]), batch["label"]);
                output.backward();
                optimizer.step();
                var value = output.item<float>();
                Debug.Assert(float.IsFinite(value));
                if (batch["label"].shape[0] < work.BatchSize)
                {
                    continue;
                }

                clock.At(++step);
                if (clock.IsOver)
                {
                    break;
                }
            }
        }

        using var process = Process.GetCurrentProcess();
        var parameters = model.parameters().Sum(parameter => parameter.numel());
        return parameters == work.Plan.ParameterCount
            ? new TrainingRate(clock.StepsPerSecond * work.BatchSize, parameters) { PeakMemory = process.PeakWorkingSet64 }
            : throw new InvalidOperationException(
                $"The naive {work.Architecture} has {parameters} parameters, not {work.Plan.ParameterCount}: it is another network.");
    }

    private sealed class DecodedImages : Dataset
    {
        private readonly (byte[] Pixels, long Label)[] _images;
        private readonly int _size;

        public DecodedImages(TrainingWork work)
        {
            _size = work.ImageSize;
            var files = work.Select();
            var labels = files.Select(file => file.Label).Distinct().Order(StringComparer.Ordinal).ToList();
            _images = [.. files.Select(file => (Decode(file.ImagePath), (long)labels.IndexOf(file.Label)))];
        }

        public override long Count => _images.Length;

        public override Dictionary<string, Tensor> GetTensor(long index)
        {
            var (pixels, label) = _images[index];
            return new()
            {
                ["data"] =
                    tensor(pixels, [_size, _size, 4]).permute(2, 0, 1)[TensorIndex.Slice(0, 3)].to(float32).div(255).sub(0.5).div(0.25),
                ["label"] = tensor(label),
            };
        }

        private byte[] Decode(string path)
        {
            using var image = SKBitmap.Decode(path) ?? new SKBitmap(_size, _size);
            using var resized = image.Resize(new SKImageInfo(_size, _size, SKColorType.Rgba8888), SKFilterQuality.Medium);
            return resized.Bytes;
        }
    }
}
