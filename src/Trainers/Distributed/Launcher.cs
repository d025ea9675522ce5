using System.Globalization;

namespace Microsoft.ML.ResNet.Trainers.Distributed;

/// <summary>What started this process as one of several, found by the variables that it set.</summary>
/// <param name="Name">The program.</param>
/// <param name="Rank">The number of this process, counted from 0.</param>
/// <param name="Size">The number of processes.</param>
internal sealed record Launcher(string Name, int Rank, int Size)
{
    /// <summary>Gets why its processes cannot train together, and what to do; null if they can.</summary>
    public string? Problem { get; private init; }

    /// <summary>Gets whether processes that train by themselves are surely not meant.</summary>
    public bool IsSurelyMpi { get; private init; } = true;

    /// <summary>Finds the launcher.</summary>
    /// <param name="variable">Gets a variable of the environment; null where it is not set.</param>
    /// <returns>The launcher; null for none.</returns>
    public static Launcher? Find(Func<string, string?> variable)
    {
        if (Numbers("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE") is var (rank, size))
        {
            return new Launcher("mpirun", rank, size);
        }

        if ((Numbers("SLURM_PROCID", "SLURM_STEP_NUM_TASKS") ?? Numbers("SLURM_PROCID", "SLURM_NTASKS")) is var (task, tasks)
            && variable("SLURM_STEP_ID") is not null)
        {
            return Number("PMIX_RANK") == task
                ? new Launcher("srun --mpi=pmix", task, tasks)
                : new Launcher("srun", task, tasks)
                {
                    IsSurelyMpi = false,
                    Problem = "srun did not offer PMIx, by which Open MPI finds the other processes. Start with srun --mpi=pmix; "
                        + "'srun --mpi=list' tells whether this cluster has it.",
                };
        }

        return Numbers("PMI_RANK", "PMI_SIZE") is var (other, others)
            ? new Launcher("the mpirun of MPICH or Intel MPI", other, others)
            {
                Problem = "Processes are joined through Open MPI, whose library has other handles than theirs. "
                    + "Start with the mpirun of Open MPI (Debian and Ubuntu: apt-get install openmpi-bin libopenmpi3).",
            }
            : null;

        (int Rank, int Size)? Numbers(string rankName, string sizeName) =>
            Number(rankName) is { } number && Number(sizeName) is { } count && number < count ? (number, count) : null;

        int? Number(string name) =>
            int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}
