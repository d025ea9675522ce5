using System.Net.Sockets;

namespace WebApp;

/// <summary>A server that cannot listen, as where its port is taken: who starts it says so in a line of its own.</summary>
internal static class ListenFailure
{
    /// <summary>Keeps the host from logging a stack trace of what it throws when it cannot start.</summary>
    /// <remarks>Nothing else is lost: what it logs as an error, it throws or logs as critical too.</remarks>
    public static void LeaveToCaller(ILoggingBuilder logging) =>
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);

    /// <summary>Gets why the system does not let a server listen.</summary>
    /// <param name="exception">What the start of the server threw.</param>
    /// <returns>The system's words; null where the server failed by something else.</returns>
    public static string? ReasonOf(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException)
            {
                return cause.Message;
            }
        }

        return null;
    }
}
