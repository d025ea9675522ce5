using System.Collections.Concurrent;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;

namespace Studio.Hosting;

/// <summary>Tells every open page what happens, as server-sent events.</summary>
internal sealed class EventStream
{
    // A page that does not read for so long asks for everything anew.
    private const int Capacity = 256;

    private readonly ConcurrentDictionary<Channel<SseItem<string>>, byte> _pages = [];

    /// <summary>Tells all pages.</summary>
    public void Send<T>(string name, T content)
    {
        var item = new SseItem<string>(JsonSerializer.Serialize(content, JsonSerializerOptions.Web), name);
        foreach (var page in _pages.Keys)
        {
            page.Writer.TryWrite(item);
        }
    }

    /// <summary>Gets what happens from now on, with a sign of life between.</summary>
    public async IAsyncEnumerable<SseItem<string>> Read([EnumeratorCancellation] CancellationToken cancellation)
    {
        var bounds = new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.DropOldest };
        var page = Channel.CreateBounded<SseItem<string>>(bounds);
        _pages[page] = 0;
        try
        {
            yield return new SseItem<string>("{}", "hello");
            while (!cancellation.IsCancellationRequested)
            {
                using var pause = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                pause.CancelAfter(TimeSpan.FromSeconds(15));
                var next = new SseItem<string>("{}", "alive");
                try
                {
                    next = await page.Reader.ReadAsync(pause.Token);
                }
                catch (OperationCanceledException)
                {
                    // The pause is over, or the page is closed.
                }

                yield return next;
            }
        }
        finally
        {
            _pages.TryRemove(page, out _);
        }
    }
}
