using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Tests.Distributed;

/// <summary>What starts several processes is found by its variables; here they are made up.</summary>
public sealed class TrainingJobTests
{
    private static readonly (string, string)[] Mpirun = [("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "4")];
    private static readonly (string, string)[] Slurm =
        [("SLURM_PROCID", "2"), ("SLURM_STEP_NUM_TASKS", "3"), ("SLURM_NTASKS", "8"), ("SLURM_STEP_ID", "0")];

    private static readonly (string, string)[] Batch = [("SLURM_PROCID", "0"), ("SLURM_NTASKS", "8")]; // the script that sbatch runs
    private static readonly (string, string)[] Mpich = [("PMI_RANK", "0"), ("PMI_SIZE", "2")];

    [Fact]
    public void MpirunIsFound() => AssertJoins(new Launcher("mpirun", 1, 4), Mpirun);

    [Fact]
    public void SlurmIsFoundWhereItOffersPmix() => AssertJoins(new Launcher("srun --mpi=pmix", 2, 3), [.. Slurm, ("PMIX_RANK", "2")]);

    [Fact]
    public void WithoutALauncherTheProcessIsAlone()
    {
        Assert.Same(Alone.Instance, Join(DistributedTraining.Auto));
        Assert.Same(Alone.Instance, Join(DistributedTraining.Auto, Batch));
        Assert.Same(Alone.Instance, Join(DistributedTraining.Auto, ("OMPI_COMM_WORLD_RANK", "0"), ("OMPI_COMM_WORLD_SIZE", "1")));
        Assert.Same(Alone.Instance, Join(DistributedTraining.Auto, ("OMPI_COMM_WORLD_RANK", "x"), ("OMPI_COMM_WORLD_SIZE", "4")));
    }

    [Fact]
    public void OffIsAloneWhateverStartedTheProcess()
    {
        Assert.Same(Alone.Instance, Join(DistributedTraining.Off, Mpirun));
        Assert.Same(Alone.Instance, Join(DistributedTraining.Off, Mpich));
    }

    [Fact]
    public void RequiredNamesThePackageWhereNothingStartedTheProcess()
    {
        var exception = Assert.Throws<InvalidOperationException>(() => Join(DistributedTraining.Required));

        Assert.Contains("apt-get install openmpi-bin libopenmpi3", exception.Message);
        Assert.Contains("srun --mpi=pmix", exception.Message);
    }

    /// <summary>Tasks that srun starts without PMIx may be meant to be independent.</summary>
    [Fact]
    public void SlurmWithoutPmixIsAnErrorOnlyWhereItIsRequired()
    {
        Assert.Same(Alone.Instance, Join(DistributedTraining.Auto, Slurm));
        var exception = Assert.Throws<InvalidOperationException>(() => Join(DistributedTraining.Required, Slurm));
        Assert.Contains("started by srun as rank 2 of 3", exception.Message);
        Assert.Contains("srun --mpi=pmix", exception.Message);
    }

    [Fact]
    public void AnotherMpiIsAnError()
    {
        var exception = Assert.Throws<InvalidOperationException>(() => Join(DistributedTraining.Auto, Mpich));

        Assert.Contains("MPICH or Intel MPI as rank 0 of 2", exception.Message);
        Assert.Contains("set Distributed to Off", exception.Message);
    }

    [Fact]
    public void AFailureOfOneRankEndsAll()
    {
        using var ranks = new ThreadRanks(2);

        var told = Assert.Throws<ThreadRanks.AbortedException>(
            () => TrainingJob.Run<int>(ranks[1], () => throw new IOException("no room"), _ => false));
        Assert.StartsWith("Rank 1 of 2, on ", told.Message);
        Assert.EndsWith("IOException: no room", told.Message);
        Assert.Throws<IOException>(() => TrainingJob.Run<int>(ranks[1], () => throw new IOException("no room"), _ => true));
        Assert.Equal(7, TrainingJob.Run(ranks[1], () => 7, _ => true)); // nothing is left of the failures
    }

    private static void AssertJoins(Launcher expected, (string, string)[] variables)
    {
        Launcher? found = null;
        TrainingJob.Join(DistributedTraining.Auto, Environment(variables), launcher =>
        {
            found = launcher;
            return Alone.Instance;
        });
        Assert.Equal(expected, found);
    }

    private static ICollective Join(DistributedTraining mode, params (string, string)[] variables) =>
        TrainingJob.Join(mode, Environment(variables), launcher => throw new InvalidOperationException($"It joins {launcher}."));

    private static Func<string, string?> Environment((string Name, string Value)[] variables) =>
        name => variables.FirstOrDefault(variable => variable.Name == name).Value;
}
