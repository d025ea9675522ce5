using System.Runtime.ExceptionServices;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>
/// Runs training on a thread of its own and waits for it. Torch's dispose scopes and thread count belong to a thread; the caller's, which
/// may be a pool's, keeps its own.
/// </summary>
internal static class TrainingThread
{
    public static TResult Run<TResult>(Func<TResult> train)
    {
        var result = default(TResult)!;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                result = train();
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        }) { IsBackground = true, Name = "ResNet training" };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }
}
