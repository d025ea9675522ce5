using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>Computes, for each image, the mean of its views' probabilities.</summary>
/// <remarks>
/// At any scale a network is run as it is: pooling over all positions followed by the head is the fully convolutional network whose scores
/// are averaged over positions, for both are linear (Lin et al., 2014, "Network in Network", section 3.2; He et al., 2016, section 3.4).
/// </remarks>
internal sealed class ViewScorer(ResNetClassificationTransformer model, TestTimeViews views)
{
    private readonly TestTimeViews _views = Checked(views, model);

    /// <summary>Scores the rows of a view in their order, batch after batch, on the thread that enumerates.</summary>
    /// <returns>For each image of a batch, a probability for each class.</returns>
    public IEnumerable<float[][]> Score(IDataView data)
    {
        var batches = _views.ShorterSides.IsEmpty
            ? new CropViews(model, _views.Corners).Read(data)
            : new ScaleViews(model, _views.ShorterSides).Read(data);
        using var network = new ResidualNetwork(model.Plan, model.Weights, TrainingPrecision.Float32);
        using var noGradients = no_grad();
        foreach (var batch in batches)
        {
            yield return Score(network, batch);
        }
    }

    private float[][] Score(ResidualNetwork network, ViewBatch batch)
    {
        using var scope = NewDisposeScope();
        var (sum, count) = (TensorFactory.OnCpu.Zeros([batch.Count, model.Plan.ClassCount], ScalarType.Float32), 0);
        foreach (var view in batch.Views)
        {
            Add(view);
            if (_views.Mirrored)
            {
                Add(view.flip(3));
            }
        }

        using TorchSharp.Scalar viewCount = count;
        return [.. sum.div(viewCount).data<float>().ToArray().Chunk(model.Plan.ClassCount)];

        void Add(Tensor view)
        {
            using var ofView = NewDisposeScope();
            using TorchSharp.Scalar one = 1;
            sum.add_(F.softmax(network.Forward(view, training: false), 1), one);
            count++;
        }
    }

    private static TestTimeViews Checked(TestTimeViews views, ResNetClassificationTransformer model)
    {
        if (model.IsMultilabel)
        {
            throw new NotSupportedException(
                "The network gives an image any number of labels, but test-time views are for networks of one label for each image. "
                + "Score it with Transform(data).");
        }

        var plan = model.Plan;
        var least = (int)Math.Ceiling(
            ScaleViews.PaperInput * plan.Architecture.MinimumImageSize / Math.Min(plan.Input.Height, plan.Input.Width));
        return views.ShorterSides.All(side => side >= least)
            ? views
            : throw new ArgumentOutOfRangeException(
                nameof(views),
                $"Shorter side {views.ShorterSides.Min()} is too small for {plan.Architecture.Name} on {plan.Input}, "
                + $"which needs at least {least}.");
    }
}

/// <summary>Some images, view after view.</summary>
/// <param name="Count">The number of images.</param>
/// <param name="Views">Each is [count, channels, height, width], normalized, and made when it is asked for.</param>
internal sealed record ViewBatch(int Count, IEnumerable<Tensor> Views);
