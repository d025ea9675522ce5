using System.Collections.Immutable;
using System.Globalization;

namespace Microsoft.ML.ResNet.Shards;

/// <summary>Finds a label among the names of the classes: by its name, or by its number.</summary>
internal sealed class LabelNames
{
    private readonly Dictionary<string, uint> _keys = new(StringComparer.Ordinal);

    public LabelNames(ImmutableArray<string> names)
    {
        foreach (var (index, name) in names.Index())
        {
            _keys.Add(name, (uint)index + 1);
        }
    }

    /// <summary>Finds a label.</summary>
    /// <param name="label">A name, or a number counted from 0.</param>
    /// <param name="key">Its key, counted from 1; 0 where there are no names to find it in.</param>
    /// <returns><see langword="false"/> if it is none of the names.</returns>
    public bool TryFind(string label, out uint key)
    {
        key = 0;
        if (_keys.Count == 0 || _keys.TryGetValue(label, out key))
        {
            return true;
        }

        var isNumber = uint.TryParse(label, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < _keys.Count;
        key = isNumber ? number + 1 : 0;
        return isNumber;
    }
}
