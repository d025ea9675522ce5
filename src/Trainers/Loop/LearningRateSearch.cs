using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>What a search for a learning rate found: the loss at each rate that was tried.</summary>
/// <param name="Rates">The rates, rising by the same factor from step to step, up to where the loss diverged or the search ended.</param>
/// <param name="Losses">The loss at each of them, in nats, smoothed over the steps before.</param>
/// <param name="Suggested">A tenth of the rate with the lowest loss, at which training is stable and nearly as fast as it can be (the rule
/// of fastai's learning-rate finder, after Smith, 2017, section 3.3).</param>
public sealed record LearningRateSearch(ImmutableArray<double> Rates, ImmutableArray<double> Losses, double Suggested);
