namespace WebApp.Models;

/// <summary>Whether there is a model to classify with.</summary>
internal enum ModelState
{
    /// <summary>It is being read.</summary>
    Loading,

    /// <summary>There was none, and one is being trained.</summary>
    Training,

    /// <summary>It is there.</summary>
    Ready,

    /// <summary>It could be neither read nor trained.</summary>
    Failed,
}
