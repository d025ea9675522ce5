using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// Finds the tensors in what a checkpoint's pickle holds: a state dictionary, or one wrapped with an epoch, an optimizer and the like.
/// </summary>
internal static class StateDictionary
{
    // By the names that training scripts give it; the first one that is there wins.
    private static readonly string[] Wrappers = ["state_dict", "model_state_dict", "model_state", "model", "net"];

    // A pickle may put a dictionary into itself.
    private const int MaxDepth = 4;

    public static IEnumerable<KeyValuePair<string, TensorView>> Find(object? root)
    {
        for (var depth = 0; depth < MaxDepth; depth++)
        {
            var dictionary = root as PickleDictionary
                ?? throw new InvalidDataException($"its pickle holds {PickleGlobals.Describe(root)}, not a dictionary of tensors");
            root = Wrappers.Select(wrapper => Value(dictionary, wrapper)).FirstOrDefault(value => value is not null);
            if (root is null)
            {
                return Tensors(dictionary);
            }
        }

        throw new InvalidDataException($"its pickle wraps dictionaries more than {MaxDepth} levels deep");
    }

    private static PickleDictionary? Value(PickleDictionary dictionary, string key) =>
        dictionary.Items
            .FirstOrDefault(item => item is { Key: string name, Value: PickleDictionary } && name == key)
            .Value as PickleDictionary;

    private static IEnumerable<KeyValuePair<string, TensorView>> Tensors(PickleDictionary dictionary)
    {
        if (!dictionary.Items.Any(item => item.Value is TensorView))
        {
            var keys = string.Join(", ", dictionary.Items.Select(item => item.Key).OfType<string>().Take(5).Select(Quote));
            throw new InvalidDataException(
                $"its dictionary ({(keys.Length > 0 ? keys : "empty")}) holds no tensors, "
                + $"nor a dictionary named {string.Join(", ", Wrappers)}");
        }

        return dictionary.Items.Select(item => item is { Key: string name, Value: TensorView tensor }
            ? KeyValuePair.Create(name, tensor)
            : throw new InvalidDataException(
                $"its dictionary of tensors holds {PickleGlobals.Describe(item.Value)} "
                + $"under {(item.Key is string key ? Quote(key) : PickleGlobals.Describe(item.Key))}"));
    }
}
