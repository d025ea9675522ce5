namespace Microsoft.ML.ResNet.Weights;

// What a pickle is made of, beside null, bool, long, double, string and object?[] (a tuple).

/// <summary>A list.</summary>
internal sealed class PickleList
{
    private List<object?>? _items;

    public IReadOnlyList<object?> Items => (IReadOnlyList<object?>?)_items ?? [];

    public void Add(object? item) => (_items ??= []).Add(item);
}

/// <summary>A dict or an OrderedDict: pairs in order. Keys are not hashed, since a key may be anything that a pickle can build.</summary>
internal sealed class PickleDictionary
{
    private List<KeyValuePair<object?, object?>>? _items;

    public IReadOnlyList<KeyValuePair<object?, object?>> Items => (IReadOnlyList<KeyValuePair<object?, object?>>?)_items ?? [];

    public void Add(object? key, object? value) => (_items ??= []).Add(new(key, value));
}

/// <summary>The type of a storage: torch.FloatStorage is one.</summary>
internal sealed record StorageType(ElementType ElementType);

/// <summary>What a persistent id names: values that lie in the file beside the pickle.</summary>
internal sealed record StorageReference(string Key, ElementType ElementType, long Count)
{
    public Int128 Bytes => (Int128)Count * ElementType.Size;
}

/// <summary>The things that a pickle may call.</summary>
internal enum PickleFunction
{
    OrderedDict,
    Counter,
    Size,
    Parameter,
    RebuildParameter,
    RebuildTensor,
    RebuildTensorV3,
}
