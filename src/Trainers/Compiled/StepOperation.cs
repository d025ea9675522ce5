namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>
/// One or more layers of a plan, computed together. Forward reads the values of earlier layers and sets one; backward takes the gradient of
/// that value, adds to those of what was read, and frees what nothing needs any more.
/// </summary>
internal abstract class StepOperation
{
    /// <summary>Computes the value, for a worker's slice.</summary>
    public abstract void Forward(StepWorker worker);

    /// <summary>Computes the gradients, for a worker's slice.</summary>
    public abstract void Backward(StepWorker worker);
}
