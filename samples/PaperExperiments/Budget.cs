namespace PaperExperiments;

/// <summary>How long networks are trained: as long as the paper's, or long enough to show the effect.</summary>
internal enum Budget
{
    /// <summary>The paper's protocol with fewer steps; a command takes less than 40 minutes on two cores.</summary>
    Quick,

    /// <summary>The paper's protocol: 64,000 steps (section 4.2). Hours to days on two cores, in as many sittings as you like.</summary>
    Paper,
}
