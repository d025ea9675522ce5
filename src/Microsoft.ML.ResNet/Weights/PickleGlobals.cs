using System.Collections.Frozen;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// The closed world of a tensor dictionary: every global that a pickle may name, and what calling it gives. A part of the list in
/// torch/_weights_only_unpickler.py, without what only optimizers, subclasses and numpy need.
/// </summary>
internal static class PickleGlobals
{
    private const int MaxRank = 64; // PyTorch's own

    private static readonly FrozenDictionary<string, object> Known = new Dictionary<string, object>
    {
        ["collections.OrderedDict"] = PickleFunction.OrderedDict,

        // In the state of torch's MultiStepLR, which training checkpoints hold beside the weights.
        ["collections.Counter"] = PickleFunction.Counter,
        ["torch.Size"] = PickleFunction.Size,
        ["torch.nn.parameter.Parameter"] = PickleFunction.Parameter,
        ["torch._utils._rebuild_parameter"] = PickleFunction.RebuildParameter,
        ["torch._utils._rebuild_tensor"] = PickleFunction.RebuildTensor,
        ["torch._utils._rebuild_tensor_v2"] = PickleFunction.RebuildTensor,
        ["torch._utils._rebuild_tensor_v3"] = PickleFunction.RebuildTensorV3,
        ["torch.FloatStorage"] = new StorageType(ElementType.Float32),
        ["torch.DoubleStorage"] = new StorageType(ElementType.Float64),
        ["torch.HalfStorage"] = new StorageType(ElementType.Float16),
        ["torch.BFloat16Storage"] = new StorageType(ElementType.BFloat16),
        ["torch.LongStorage"] = new StorageType(ElementType.Int64),
        ["torch.IntStorage"] = new StorageType(ElementType.Int32),
        ["torch.ShortStorage"] = new StorageType(ElementType.Int16),
        ["torch.CharStorage"] = new StorageType(ElementType.Int8),
        ["torch.ByteStorage"] = new StorageType(ElementType.UInt8),
        ["torch.BoolStorage"] = new StorageType(ElementType.Bool),
        ["torch.UntypedStorage"] = new StorageType(ElementType.UInt8),
        ["torch.storage.UntypedStorage"] = new StorageType(ElementType.UInt8),
        ["torch.float32"] = ElementType.Float32,
        ["torch.float64"] = ElementType.Float64,
        ["torch.float16"] = ElementType.Float16,
        ["torch.bfloat16"] = ElementType.BFloat16,
        ["torch.int64"] = ElementType.Int64,
        ["torch.int32"] = ElementType.Int32,
        ["torch.int16"] = ElementType.Int16,
        ["torch.int8"] = ElementType.Int8,
        ["torch.uint8"] = ElementType.UInt8,
        ["torch.bool"] = ElementType.Bool,
    }.ToFrozenDictionary();

    public static object Find(string name) => Known.TryGetValue(name, out var found)
        ? found
        : throw new InvalidDataException(
            $"its pickle asks for {Quote(name)}, and only dictionaries of tensors are read: "
            + "nothing is ever executed, and a whole module must be saved as its state_dict()");

    /// <summary>Gives what Python would get by calling a global.</summary>
    public static object? Call(object? function, object?[] arguments) => (function, arguments) switch
    {
        (PickleFunction.OrderedDict or PickleFunction.Counter, []) => new PickleDictionary(),
        (PickleFunction.OrderedDict, [PickleList pairs]) => ToDictionary(pairs),
        (PickleFunction.Counter, [PickleDictionary counts]) => counts,
        (PickleFunction.Size, [object?[] dimensions]) => dimensions,
        (PickleFunction.Parameter or PickleFunction.RebuildParameter, [TensorView tensor, ..]) => tensor,
        (PickleFunction.RebuildTensor, [StorageReference storage, long offset, object?[] shape, object?[] strides, ..]) =>
            new TensorView(storage, storage.ElementType, offset, Numbers(shape), Numbers(strides)),
        (PickleFunction.RebuildTensorV3,
            [StorageReference storage, long offset, object?[] shape, object?[] strides, _, _, ElementType type, ..]) =>
            new TensorView(storage, type, offset, Numbers(shape), Numbers(strides)),
        (PickleFunction, _) => throw new InvalidDataException($"its pickle calls {function} with other arguments than PyTorch does"),
        _ => throw new InvalidDataException($"its pickle calls {Describe(function)}, which is no function"),
    };

    /// <summary>Says what a value is, for messages.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "None",
        bool => "a bool",
        long or Int128 or double => "a number",
        string => "a text",
        object?[] => "a tuple",
        PickleList => "a list",
        PickleDictionary => "a dictionary",
        TensorView => "a tensor",
        StorageReference => "a storage",
        _ => "a type or function",
    };

    // Python 2 wrote an OrderedDict as a list of pairs.
    private static PickleDictionary ToDictionary(PickleList pairs)
    {
        var dictionary = new PickleDictionary();
        foreach (var pair in pairs.Items)
        {
            var (key, value) = pair switch
            {
                object?[] and [var first, var second] => (first, second),
                PickleList { Items: [var first, var second] } => (first, second),
                _ => throw new InvalidDataException("its pickle makes a dictionary of something else than pairs"),
            };
            dictionary.Add(key, value);
        }

        return dictionary;
    }

    private static long[] Numbers(object?[] tuple) => tuple.Length > MaxRank
        ? throw new InvalidDataException($"a tensor in its pickle has {tuple.Length:n0} dimensions")
        : Array.ConvertAll(
            tuple, item => item as long? ?? throw new InvalidDataException($"a tensor in its pickle has {Describe(item)} as a dimension"));
}
