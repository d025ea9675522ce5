namespace Microsoft.ML.ResNet.Scoring;

/// <summary>Something that several threads use, and that is disposed of when the last of them has left and its owner has too.</summary>
/// <param name="value">What they use.</param>
internal sealed class Shared<T>(T value)
    where T : IDisposable
{
    private int _users = 1; // the owner, who leaves too

    public T Value => value;

    /// <summary>Makes the caller a user, who must <see cref="Leave"/>; false where the last one has left.</summary>
    public bool TryEnter()
    {
        var users = Volatile.Read(ref _users);
        while (users > 0)
        {
            var seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users)
            {
                return true;
            }

            users = seen;
        }

        return false;
    }

    public void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            value.Dispose();
        }
    }
}
