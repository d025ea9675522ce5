namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Whether the processes of an MPI job train one network together.</summary>
public enum DistributedTraining
{
    /// <summary>They do where <c>mpirun</c> or <c>srun --mpi=pmix</c> started more than one; else the process trains by itself.</summary>
    Auto = 0,

    /// <summary>Each process trains a network of its own, whatever started it.</summary>
    Off = 1,

    /// <summary>They must: it is an error where no launcher of Open MPI started the process.</summary>
    Required = 2,
}
