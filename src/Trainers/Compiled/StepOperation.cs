namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>
/// One or more layers of a plan, computed together. Forward reads the values of earlier layers and sets one; backward takes the gradient of
/// that value, adds to those of what was read, and frees what nothing needs any more.
/// </summary>
internal abstract class StepOperation
{
    /// <summary>Gets the places of the weights whose gradients each worker keeps until they are added up.</summary>
    public virtual IReadOnlyList<int> Weights => [];

    /// <summary>Gets whether workers meet in the backward pass.</summary>
    public virtual bool Meets => false;

    /// <summary>Computes a worker's share of what depends on weights alone, before the forward pass of every step.</summary>
    /// <param name="worker">The worker's number.</param>
    /// <param name="workers">The workers.</param>
    public virtual void Prepare(int worker, int workers)
    {
    }

    /// <summary>Computes the value, for a worker's slice.</summary>
    public abstract void Forward(StepWorker worker);

    /// <summary>Computes the gradients, for a worker's slice.</summary>
    public abstract void Backward(StepWorker worker);
}
