using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Checks values that a user sets. The message names the property, and says what it must be.</summary>
internal static class OptionCheck
{
    /// <summary>Checks an option of the trainer.</summary>
    /// <param name="holds">Whether the value is allowed.</param>
    /// <param name="value">The option.</param>
    /// <param name="range">What it must be, for the message.</param>
    /// <param name="name">The option's name.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value is not allowed.</exception>
    public static void OfTrainer(
        bool holds, object? value, string range, [CallerArgumentExpression(nameof(value))] string name = "") =>
        Check(holds, value, name, $"Option {name} must be {range}.");

    /// <summary>Checks a property of a training recipe.</summary>
    /// <param name="holds">Whether the value is allowed.</param>
    /// <param name="value">The property.</param>
    /// <param name="range">What it must be, for the message.</param>
    /// <param name="name">The property's name.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value is not allowed.</exception>
    public static void OfRecipe(
        bool holds, object? value, string range, [CallerArgumentExpression(nameof(value))] string name = "") =>
        Check(holds, value, name, $"{name} of the training recipe must be {range}.");

    private static void Check(bool holds, object? value, string name, string message)
    {
        if (!holds)
        {
            throw new ArgumentOutOfRangeException(name, value, message);
        }
    }
}
