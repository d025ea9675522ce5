namespace Microsoft.ML.ResNet.Scoring;

/// <summary>A network ready to score: its layers, their weights, and how pixels become its input.</summary>
internal sealed record ResNetModel(LayerPlan Plan, ResNetWeights Weights, ImagePreprocessing Preprocessing);
