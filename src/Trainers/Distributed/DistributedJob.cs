using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>The job that this process belongs to, as its launcher tells: <c>mpirun</c>, or <c>srun --mpi=pmix</c>.</summary>
/// <remarks>
/// Each process runs the whole program. What is to happen once, such as saving the model, is done where <see cref="Rank"/> is 0. Asking
/// starts nothing, and needs no MPI.
/// </remarks>
public static class DistributedJob
{
    /// <summary>Gets the number of this process among those of the job, counted from 0.</summary>
    /// <value>0 where no launcher started it.</value>
    public static int Rank => Launcher.Find(Environment.GetEnvironmentVariable) is { Problem: null } launcher ? launcher.Rank : 0;

    /// <summary>Gets the number of processes of the job.</summary>
    /// <value>1 where no launcher started it.</value>
    public static int Size => Launcher.Find(Environment.GetEnvironmentVariable) is { Problem: null } launcher ? launcher.Size : 1;
}
