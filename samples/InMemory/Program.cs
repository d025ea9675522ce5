// Images that are no files: rows of a database to train on, and a stream to classify.
using System.CommandLine;
using System.Globalization;
using InMemory;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Samples;

const int seed = 1;
var path = new Option<string>("--database")
{
    Description = "The SQLite file; pictures are drawn into it if it is not there.",
    DefaultValueFactory = _ => Path.Combine(AppContext.BaseDirectory, "pictures.db"),
};
var perClass = CommandLine.Whole("--per-class", "How many pictures of each shape are drawn.", byDefault: 200);
var epochs = CommandLine.Whole("--epochs", "How often every picture is seen.", byDefault: 6);
var model = new Option<string>("--model") { Description = "Where the model is saved.", DefaultValueFactory = _ => "in-memory.zip" };

var command = new RootCommand("Trains on pictures in a SQLite database, and classifies a stream.") { path, perClass, epochs, model };
return await Sample.Run(command, args, (arguments, cancellation) =>
{
    WritableFile.Ensure("--model", arguments.GetValue(model)!);
    var database = PictureDatabase.OpenOrDraw(arguments.GetValue(path)!, arguments.GetValue(perClass), seed);
    var ml = new MLContext(seed);

    // Rows are read from the database whenever ML.NET reads the view; only what training keeps stays in memory.
    var rows = ml.Data.LoadFromEnumerable(database.Read());
    var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
        .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet20,
            InputShape = new ImageShape(3, 32, 32),
            Epochs = arguments.GetValue(epochs),
            BatchSize = 64,
            LearningRate = 0.05,
            Progress = new ConsoleProgress(),
            CancellationToken = cancellation,
        }))
        .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel"));
    ml.Model.Save(pipeline.Fit(rows), rows.Schema, arguments.GetValue(model)!);

    // As any program would that was given the file: its pipeline begins with the column Image, and never looks for files.
    var loaded = ml.Model.Load(arguments.GetValue(model)!, out _);
    var metrics = ml.MulticlassClassification.Evaluate(loaded.Transform(rows));
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"rows of the database: accuracy {metrics.MicroAccuracy:p2}"));

    using var engine = ml.Model.CreatePredictionEngine<Picture, Prediction>(loaded);
    using var stream = database.OpenPicture(id: 1, out var label);
    using var content = new MemoryStream();
    stream.CopyTo(content);
    using var image = ResNetImage.Decode(content.ToArray());
    var prediction = engine.Predict(new Picture { Image = image });
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"a stream: {prediction.PredictedLabelText} with a probability of {prediction.Score.Max():p1}; it is {label}"));
});
