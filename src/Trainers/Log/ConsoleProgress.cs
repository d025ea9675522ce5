#pragma warning disable RS0030 // Console is banned in a library; this class is there to write to it, and does so only when it is asked for.

using System.Text;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Shows on the console how training goes.</summary>
/// <remarks>
/// <code>
/// var trainer = mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options { Progress = new ConsoleProgress() });
/// </code>
/// <para> On a terminal, one line is rewritten about once a second. At the end of an epoch it stays, and the next epoch's line follows
/// below. Where the output goes into a file or to another program, there is one line per epoch, and before the end of the first epoch also
/// one every 30 seconds.
/// </para>
/// <para>It writes to the standard error stream, so that the standard output holds nothing but the program's own results.</para>
/// </remarks>
public sealed class ConsoleProgress : IProgress<TrainingProgress>
{
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly TextWriter _writer;
    private readonly Func<int>? _width;
    private readonly TimeProvider _time;
    private int _shown;
    private long? _lastLine;
    private bool _hasFinishedEpoch;
    private bool _isClosed;

    /// <summary>Initializes a reporter that writes to the standard error stream.</summary>
    public ConsoleProgress()
        : this(Console.Error, IsTerminal ? Width : null, TimeProvider.System)
    {
    }

    /// <summary>Initializes a reporter that writes lines elsewhere, as to a file.</summary>
    /// <param name="writer">Where to write. The caller disposes of it.</param>
    public ConsoleProgress(TextWriter writer)
        : this(writer, width: null, TimeProvider.System)
    {
    }

    /// <param name="writer">Where to write.</param>
    /// <param name="width">Gives the columns of the terminal; null where the output is no terminal.</param>
    /// <param name="time">The clock.</param>
    internal ConsoleProgress(TextWriter writer, Func<int>? width, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(writer);
        (_writer, _width, _time) = (writer, width, time);
    }

    // A terminal that calls itself dumb cannot go back to the start of a line.
    private static bool IsTerminal => !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";

    // 0 where the terminal does not say.
    private static int Width()
    {
        try
        {
            return Console.WindowWidth;
        }
        catch (Exception exception) when (exception is IOException or PlatformNotSupportedException)
        {
            return 0;
        }
    }

    /// <summary>Shows where training stands.</summary>
    /// <param name="value">Where it stands.</param>
    public void Report(TrainingProgress value)
    {
        ArgumentNullException.ThrowIfNull(value);
        lock (_lock)
        {
            if (_isClosed)
            {
                return;
            }

            try
            {
                if (_width is null)
                {
                    WriteLine(value);
                }
                else
                {
                    Rewrite(value, _width());
                }
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException)
            {
                _isClosed = true; // nobody reads any more, which is no reason to stop training
            }
        }
    }

    private void Rewrite(TrainingProgress value, int width)
    {
        var text = value.ToString();

        // A line that reaches the last column breaks, and what follows would no longer replace it. Some terminals have no width: 0.
        text = width > 1 && text.Length >= width ? text[..(width - 1)] : text;
        var line = new StringBuilder("\r").Append(text).Append(' ', Math.Max(0, _shown - text.Length));
        _shown = text.Length;
        if (value.Finished is not null)
        {
            line.AppendLine();
            _shown = 0;
        }

        _writer.Write(line.ToString());
        _writer.Flush();
    }

    private void WriteLine(TrainingProgress value)
    {
        _hasFinishedEpoch |= value.Finished is not null;
        var isDue = value.Finished is not null
            || (!_hasFinishedEpoch && (_lastLine is not { } last || _time.GetElapsedTime(last) >= LineInterval));
        if (!isDue)
        {
            return;
        }

        _lastLine = _time.GetTimestamp();
        _writer.WriteLine(value.ToString());
        _writer.Flush();
    }
}
