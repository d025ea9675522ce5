namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Which part of a network is trained, when, and how fast at which depth.</summary>
/// <param name="Layers">The part that is trained in the end.</param>
/// <param name="EpochsPerUnfreezing">The epochs after which one more stage is trained, from the head on; 0 to train all of the part at
/// once.</param>
/// <param name="LayerDecay">What the learning rate is multiplied by per block on the way from the head to the image.</param>
internal sealed record FineTuning(TrainableLayers Layers, int EpochsPerUnfreezing, double LayerDecay);
