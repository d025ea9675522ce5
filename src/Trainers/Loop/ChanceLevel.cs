using System.Globalization;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Checkpoints;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>Tells whether a network became better than one that always names the largest class.</summary>
internal static class ChanceLevel
{
    // How often a network that knows nothing is taken for one that learned, at most.
    private const double Risk = 0.05;

    /// <summary>Describes a run in which the network never became better.</summary>
    /// <returns>A sentence; null if it did become better, or if accuracy cannot tell.</returns>
    public static string? Describe<T>(TrainingImages<T> images, TrainingState end, ClassBalance balance)
        where T : unmanaged, INumberBase<T>
    {
        // Weights make a network that is right about small classes, at the price of accuracy. And of several labels, one that is wrong
        // makes an image wrong: a network that learned much may be right about fewer images than have none.
        if (balance == ClassBalance.Weights || end.Epochs.IsEmpty || images.LabelSets is not null)
        {
            return null;
        }

        var (trainingShare, validationShare) = (LargestShare(images.Training, balance), LargestShare(images.Validation, ClassBalance.None));
        var validated = images.Validation.Count > 0;
        var looks = end.Epochs.Length * (validated ? 2 : 1);
        if (!IsBetter(1, trainingShare, images.Training.Count, looks)
            && !(validated && IsBetter(1, validationShare, images.Validation.Count, looks)))
        {
            return null; // they are so few that being right about all of them may be luck
        }

        for (var i = 0; i < end.Epochs.Length; i++)
        {
            // Out of time, the last epoch saw some of the images only.
            var seen = i == end.Epochs.Length - 1 && end.Tally.Seen > 0 ? end.Tally.Seen : images.Training.Count;
            if (IsBetter(end.Epochs[i].Accuracy, trainingShare, seen, looks)
                || (end.Epochs[i].ValidationAccuracy is { } accuracy
                    && IsBetter(accuracy, validationShare, images.Validation.Count, looks)))
            {
                return null;
            }
        }

        var best = string.Create(CultureInfo.InvariantCulture,
            $"{end.Epochs.Max(epoch => epoch.Accuracy):p1} of {images.Training.Count} training images, where always naming the largest "
            + $"class gives {trainingShare:p1}");
        var bestValidated = validated
            ? string.Create(CultureInfo.InvariantCulture,
                $", and {end.Epochs.Max(epoch => epoch.ValidationAccuracy):p1} of {images.Validation.Count} validation images, where it "
                + $"gives {validationShare:p1}")
            : "";
        return $"The network never became clearly better than chance: it was right about {best}{bestValidated}. Train with a smaller "
            + "learning rate if the loss is large or rose, "
            + "for more epochs if it still fell, and look whether the images are those that their classes say.";
    }

    /// <summary>Tells whether an accuracy is above chance by more than luck explains.</summary>
    /// <param name="accuracy">The share of images classified right, 0 to 1.</param>
    /// <param name="chance">The share that chance gives.</param>
    /// <param name="images">The images.</param>
    /// <param name="looks">How many accuracies are looked at; the best of many is better by luck.</param>
    /// <remarks>
    /// Of n images, chance is right about a share a or more with a probability of at most exp(−n·KL(a‖p)) (Chernoff's bound, after
    /// Hoeffding, 1963, theorem 1), for any n.
    /// </remarks>
    internal static bool IsBetter(double accuracy, double chance, long images, int looks)
    {
        if (!(accuracy > chance))
        {
            return false;
        }

        var divergence = accuracy * Math.Log(accuracy / chance)
            + (accuracy < 1 ? (1 - accuracy) * Math.Log((1 - accuracy) / (1 - chance)) : 0);
        return looks * Math.Exp(-images * divergence) < Risk;
    }

    private static double LargestShare<T>(ImageSet<T> images, ClassBalance balance)
        where T : unmanaged, INumberBase<T>
    {
        var counts = new Dictionary<int, int>();
        foreach (ref readonly var image in images.Entries)
        {
            counts[image.Label] = counts.GetValueOrDefault(image.Label) + 1;
        }

        return counts.Count == 0 ? 1
            : balance == ClassBalance.Sampling ? 1.0 / counts.Count // each class is drawn as often
            : (double)counts.Values.Max() / images.Count;
    }
}
