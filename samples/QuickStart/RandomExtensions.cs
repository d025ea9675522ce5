namespace QuickStart;

internal static class RandomExtensions
{
    /// <summary>Rolls a number between two others.</summary>
    public static float Between(this Random random, float low, float high) => low + (high - low) * random.NextSingle();
}
