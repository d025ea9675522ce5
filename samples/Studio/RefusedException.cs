namespace Studio;

/// <summary>What was asked for cannot be done; the message tells the person at the page why, and what to do.</summary>
internal sealed class RefusedException(string message, int status = StatusCodes.Status400BadRequest) : Exception(message)
{
    /// <summary>Gets the status of the answer.</summary>
    public int Status { get; } = status;
}
