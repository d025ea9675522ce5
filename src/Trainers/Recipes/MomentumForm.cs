namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Where the learning rate stands in the formula of momentum. The two differ where the rate changes, and nowhere else.</summary>
public enum MomentumForm
{
    /// <summary>v ← m·v + g; w ← w − rate·v. After a drop of the rate, old gradients count at the new rate.</summary>
    PyTorch,

    /// <summary>
    /// v ← m·v + rate·g; w ← w − v. Old gradients keep the rate that they were made at. The form of Caffe, which the paper's authors used.
    /// </summary>
    Caffe,
}
