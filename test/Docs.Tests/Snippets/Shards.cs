using System.Globalization;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;

namespace Docs.Snippets;

internal static class Shards
{
    public static (ResNetClassificationTransformer Model, MulticlassClassificationMetrics Metrics) Train(MLContext ml)
    {
        #region TrainOnShards
        var options = new ImageShardOptions { ClassNames = [.. File.ReadLines("shards/classes.txt")] };
        var train = ml.Data.LoadImageShards("shards/train-{000000..000001}.tar", options);
        var model = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet20,
            Epochs = 2,
        }).Fit(train);

        var test = ml.Data.LoadImageShards("shards/test-000000.tar", options);
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(test));
        #endregion
        return (model, metrics);
    }

    public static ResNetClassificationTransformer Stream(MLContext ml)
    {
        #region StreamShards
        var train = ml.Data.LoadImageShards("shards/train-{000000..000001}.tar", new ImageShardOptions
        {
            ClassNames = [.. File.ReadLines("shards/classes.txt")],
            ShuffleBuffer = 2_000,                      // images that are mixed at a time
        });
        var model = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet20,
            Epochs = 2,
            StreamShards = true,                        // no image is kept
            CheckpointFolder = "checkpoints",           // stopped, it goes on in the middle of an epoch
        }).Fit(train);
        #endregion
        return model;
    }

    public static int Epochs(MLContext ml)
    {
        var seen = 0;
        #region EpochsOfShards
        for (var epoch = 0; epoch < 3; epoch++)
        {
            var shards = ml.Data.LoadImageShards("shards/train-{000000..000001}.tar", new ImageShardOptions
            {
                Seed = 1,                               // shards in a drawn order, and 1,000 samples at a time mixed
                Epoch = epoch,                          // another order in each epoch
                Share = (0, 2),                         // this reader's half
            });
            var (images, labels) = (shards.Schema["Image"], shards.Schema["Label"]);
            using var cursor = shards.GetRowCursor([images, labels]);
            var getImage = cursor.GetGetter<MLImage>(images);
            var getLabel = cursor.GetGetter<ReadOnlyMemory<char>>(labels);
            var (image, label) = (default(MLImage)!, default(ReadOnlyMemory<char>));
            while (cursor.MoveNext())
            {
                getImage(ref image);                    // it disposes of the image before
                getLabel(ref label);
                seen++;                                 // any work of your own
            }

            image?.Dispose();
        }
        #endregion
        return seen;
    }

    public static string[] GoOn(MLContext ml, int most)
    {
        List<string> done = [];
        #region GoOnInShards
        var options = new ImageShardOptions { Seed = 1 };
        if (File.Exists("place.json"))
        {
            options = options with { StartAt = JsonSerializer.Deserialize<ImageShardPosition>(File.ReadAllText("place.json")) };
        }

        var shards = ml.Data.LoadImageShards("shards/train-{000000..000001}.tar", options);
        foreach (var path in shards.GetColumn<string>("ImagePath").Take(most))
        {
            done.Add(path);
        }

        File.WriteAllText("place.json", JsonSerializer.Serialize(shards.PositionAfter(done.Count)));
        #endregion
        return [.. done];
    }

    public static ImageShards OfAJob(MLContext ml)
    {
        #region ShardsOfAJob
        var index = int.Parse(Environment.GetEnvironmentVariable("JOB_COMPLETION_INDEX") ?? "0", CultureInfo.InvariantCulture);
        var shards = ml.Data.LoadImageShards("shards/train-{000000..000001}.tar", new ImageShardOptions { Share = (index, 16) });
        #endregion
        return shards;
    }

    public static ImageShards OnTheWeb(MLContext ml, string server)
    {
        #region ShardsOnTheWeb
        var shards = ml.Data.LoadImageShards($"{server}/train-{{0000..0146}}.tar", new ImageShardOptions
        {
            OnBadImage = BadImageHandling.Skip,         // a damaged sample or shard is named in the log, and left out
            Retries = 8,
        });
        #endregion
        return shards;
    }
}
