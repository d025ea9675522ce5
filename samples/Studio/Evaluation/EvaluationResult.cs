using Studio.Training;

namespace Studio.Evaluation;

/// <summary>What a test of a network showed, as <c>evaluation.json</c> keeps it.</summary>
internal sealed record EvaluationResult(
    string[] Classes, Share Accuracy, double LogLoss, double CalibrationError, ConfidenceBin[] Bins, ClassScore[] PerClass,
        Confused[] Confusion,
    TestedImage[] Images);

/// <summary>Predictions of about the same confidence.</summary>
internal sealed record ConfidenceBin(double Low, double High, long Count, double Confidence, double Accuracy);

/// <summary>How one class fared.</summary>
internal sealed record ClassScore(string Name, long Images, long Predicted, long Correct, double Precision, double Recall, double F1);

/// <summary>Images of one class that were given to another.</summary>
internal sealed record Confused(string Class, string Predicted, long Count);

/// <summary>A tested image: its class, what the network said, and how sure it was of both.</summary>
internal sealed record TestedImage(string Image, string Class, string Predicted, float Confidence, float ClassProbability);
