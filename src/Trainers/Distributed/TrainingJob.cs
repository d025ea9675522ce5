namespace Microsoft.ML.ResNet.Trainers.Distributed;

/// <summary>Joins the processes that train together.</summary>
internal static class TrainingJob
{
    private const string Off = "To train in each process by itself, set Distributed to Off.";

    private static int _running;

    /// <summary>Joins the other processes of the job, where there are any.</summary>
    /// <param name="mode">Whether there may or must be some.</param>
    /// <exception cref="InvalidOperationException">There must be some, but nothing that is known started this process; or a launcher did
    /// whose processes cannot be joined.</exception>
    /// <exception cref="DllNotFoundException">Open MPI is not installed.</exception>
    public static ICollective Join(DistributedTraining mode) => Join(mode, Environment.GetEnvironmentVariable, OpenMpi.Join);

    /// <param name="mode">Whether there may or must be some.</param>
    /// <param name="variable">Gets a variable of the environment.</param>
    /// <param name="connect">Connects this process to those that the launcher started.</param>
    internal static ICollective Join(
        DistributedTraining mode, Func<string, string?> variable, Func<Launcher, ICollective> connect)
    {
        if (mode == DistributedTraining.Off)
        {
            return Alone.Instance;
        }

        var launcher = Launcher.Find(variable);
        if (launcher is null)
        {
            return mode != DistributedTraining.Required
                ? Alone.Instance
                : throw new InvalidOperationException(
                    "Distributed is Required, but neither mpirun of Open MPI nor srun started this process: OMPI_COMM_WORLD_RANK and "
                    + "PMIX_RANK are not set. Start it with 'mpirun -n 2 dotnet program.dll' (Debian and Ubuntu: apt-get install "
                    + "openmpi-bin libopenmpi3) or with 'srun --mpi=pmix', or set Distributed to Auto.");
        }

        if (launcher.Problem is { } problem)
        {
            var isIndependent = mode == DistributedTraining.Auto && (!launcher.IsSurelyMpi || launcher.Size == 1);
            return isIndependent
                ? Alone.Instance
                : throw new InvalidOperationException(
                    $"{Describe(launcher)}, but its processes cannot train together. {problem} {Off}");
        }

        return launcher.Size == 1 ? Alone.Instance : connect(launcher);
    }

    /// <summary>Says what started this process.</summary>
    public static string Describe(Launcher launcher) =>
        $"This process was started by {launcher.Name} as rank {launcher.Rank} of {launcher.Size}";

    /// <summary>Runs what all ranks do together. If it fails on this rank, all processes end: the others would wait for it for ever.
    /// </summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="work">What they do.</param>
    /// <param name="isCommon">Whether a failure is one that every rank has at the same moment.</param>
    public static TResult Run<TResult>(ICollective ranks, Func<TResult> work, Func<Exception, bool> isCommon)
    {
        if (ranks.Size == 1)
        {
            return work();
        }

        if (Interlocked.Exchange(ref _running, 1) == 1)
        {
            throw new InvalidOperationException(
                "This process trains already, together with the other ranks of its job: one training at a time can. "
                + $"Call Fit when the other call has returned. {Off}");
        }

        try
        {
            return work();
        }
        catch (Exception exception) when (!isCommon(exception))
        {
            ranks.Abort($"Rank {ranks.Rank} of {ranks.Size}, on {Environment.MachineName}, cannot go on and ends the job. "
                + $"{exception.GetType().Name}: {exception.Message}");
            throw;
        }
        finally
        {
            _running = 0;
        }
    }

    /// <summary>Gets whether a training of several ranks is under way.</summary>
    public static bool IsRunning => _running == 1;
}
