using System.Buffers.Binary;
using System.Text;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// Interprets a pickle of a tensor dictionary, and nothing else: the opcodes that torch.save writes, and the globals of
/// <see cref="PickleGlobals"/>. Nothing is looked up or executed outside of these two lists.
/// </summary>
/// <remarks>
/// Memory is bounded by the number of operations and bytes, since no operation makes more than one object, of what it takes from the stack
/// and reads. Pickles may be cyclic and may nest without end: the interpreter does not recurse, and what reads its result descends a few
/// levels only. Opcodes: https://github.com/python/cpython/blob/main/Lib/pickletools.py
/// </remarks>
internal sealed class PickleReader(Stream stream)
{
    private const int MaxOperations = 1 << 20; // about 30 for a tensor
    private const int MaxMarks = 256;

    private readonly PickleInput _input = new(stream);
    private readonly List<object?> _stack = [];
    private readonly Stack<int> _marks = [];
    private readonly Dictionary<uint, object?> _memo = [];
    private readonly Dictionary<string, StorageReference> _storages = [];
    private int _operationsLeft = MaxOperations;

    /// <summary>The storages that the pickle names, by their keys.</summary>
    public IReadOnlyDictionary<string, StorageReference> Storages => _storages;

    /// <summary>Reads one pickle and leaves the stream behind it.</summary>
    public object? Read()
    {
        _stack.Clear();
        _marks.Clear();
        _memo.Clear();
        while (true)
        {
            Spend(1);
            var opcode = (PickleOpcode)_input.ReadByte();
            if (opcode == PickleOpcode.Stop)
            {
                return Pop();
            }

            Execute(opcode);
        }
    }

    private void Execute(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Proto:
                _input.ReadByte();
                break;
            case PickleOpcode.Frame:
                _input.Skip(sizeof(ulong)); // a hint for buffering
                break;

            case PickleOpcode.None:
                Push(null);
                break;
            case PickleOpcode.NewTrue or PickleOpcode.NewFalse:
                Push(opcode == PickleOpcode.NewTrue);
                break;
            case PickleOpcode.BinInt1:
                Push((long)_input.ReadByte());
                break;
            case PickleOpcode.BinInt2:
                Push((long)BinaryPrimitives.ReadUInt16LittleEndian(_input.ReadBytes(stackalloc byte[sizeof(ushort)])));
                break;
            case PickleOpcode.BinInt:
                Push((long)(int)_input.ReadUInt32());
                break;
            case PickleOpcode.Long1:
                Push(_input.ReadLong(_input.ReadByte()));
                break;
            case PickleOpcode.BinFloat:
                Push(BinaryPrimitives.ReadDoubleBigEndian(_input.ReadBytes(stackalloc byte[sizeof(double)])));
                break;
            case PickleOpcode.BinUnicode:
                Push(_input.ReadText(_input.ReadUInt32(), Encoding.UTF8));
                break;
            case PickleOpcode.ShortBinUnicode:
                Push(_input.ReadText(_input.ReadByte(), Encoding.UTF8));
                break;
            case PickleOpcode.BinString:
                Push(_input.ReadText(_input.ReadUInt32(), Encoding.Latin1)); // Python 2
                break;
            case PickleOpcode.ShortBinString:
                Push(_input.ReadText(_input.ReadByte(), Encoding.Latin1));
                break;

            case PickleOpcode.Mark:
                PushMark();
                break;
            case PickleOpcode.Pop:
                Pop();
                break;
            case PickleOpcode.PopMark:
                PopToMark();
                break;
            case PickleOpcode.Dup:
                Push(Peek());
                break;
            case PickleOpcode.EmptyTuple:
                Push(Array.Empty<object?>());
                break;
            case PickleOpcode.Tuple1 or PickleOpcode.Tuple2 or PickleOpcode.Tuple3:
                Push(PopMany(opcode - PickleOpcode.Tuple1 + 1));
                break;
            case PickleOpcode.Tuple:
                Push(PopToMark());
                break;
            case PickleOpcode.EmptyList:
                Push(new PickleList());
                break;
            case PickleOpcode.Append:
                Append(PopMany(1));
                break;
            case PickleOpcode.Appends:
                Append(PopToMark());
                break;
            case PickleOpcode.EmptyDict:
                Push(new PickleDictionary());
                break;
            case PickleOpcode.SetItem:
                SetItems(PopMany(2));
                break;
            case PickleOpcode.SetItems:
                SetItems(PopToMark());
                break;

            case PickleOpcode.BinPut:
                _memo[_input.ReadByte()] = Peek();
                break;
            case PickleOpcode.LongBinPut:
                _memo[_input.ReadUInt32()] = Peek();
                break;
            case PickleOpcode.Memoize:
                _memo[(uint)_memo.Count] = Peek();
                break;
            case PickleOpcode.BinGet:
                Push(Recall(_input.ReadByte()));
                break;
            case PickleOpcode.LongBinGet:
                Push(Recall(_input.ReadUInt32()));
                break;

            case PickleOpcode.Global:
                Push(PickleGlobals.Find($"{_input.ReadLine()}.{_input.ReadLine()}"));
                break;
            case PickleOpcode.StackGlobal:
                var name = PopText();
                Push(PickleGlobals.Find($"{PopText()}.{name}"));
                break;
            case PickleOpcode.Reduce or PickleOpcode.NewObj:
                var arguments = Pop() as object?[]
                    ?? throw new InvalidDataException("its pickle calls a function without a tuple of arguments");
                Call(Pop(), arguments);
                break;
            case PickleOpcode.Build:
                Build();
                break;
            case PickleOpcode.BinPersId:
                Push(FindStorage(Pop()));
                break;

            default:
                throw new InvalidDataException($"its pickle uses the opcode 0x{(byte)opcode:x2}, which no dictionary of tensors needs");
        }
    }

    // A dictionary is made by copying a list of pairs, and the same list may be given again and again.
    private void Call(object? function, object?[] arguments)
    {
        Spend(arguments is [PickleList pairs] ? pairs.Items.Count : 0);
        Push(PickleGlobals.Call(function, arguments));
    }

    private void Append(object?[] items)
    {
        var list = Peek() as PickleList ?? throw new InvalidDataException($"its pickle appends to {PickleGlobals.Describe(Peek())}");
        foreach (var item in items)
        {
            list.Add(item);
        }
    }

    private void SetItems(object?[] items)
    {
        var dictionary = Peek() as PickleDictionary
            ?? throw new InvalidDataException($"its pickle sets items of {PickleGlobals.Describe(Peek())}");
        for (var i = 0; i < items.Length; i += 2)
        {
            dictionary.Add(
                items[i], i + 1 < items.Length ? items[i + 1] : throw new InvalidDataException("its pickle sets an item without a value"));
        }
    }

    // A state dictionary's attribute _metadata, and the flags of an old Parameter: of no use here.
    private void Build()
    {
        Pop();
        if (Peek() is not (PickleDictionary or TensorView))
        {
            throw new InvalidDataException($"its pickle sets the state of {PickleGlobals.Describe(Peek())}");
        }
    }

    // ("storage", type, key, device, count), and before PyTorch 0.4 a view of another storage.
    private StorageReference FindStorage(object? id)
    {
        if (id is not object?[] parts || parts is not ["storage", StorageType type, string key, _, long count, .. var view])
        {
            throw new InvalidDataException("its pickle refers to something else than a storage");
        }

        if (count < 0 || view is not ([] or [null]))
        {
            throw new InvalidDataException($"storage {Quote(key)} is a view of another one, or of negative size");
        }

        var storage = new StorageReference(key, type.ElementType, count);
        if (!_storages.TryAdd(key, storage) && _storages[key] != storage)
        {
            throw new InvalidDataException($"its pickle describes storage {Quote(key)} in two ways");
        }

        return _storages[key];
    }

    private void Spend(int operations)
    {
        _operationsLeft -= operations;
        if (_operationsLeft < 0)
        {
            throw new InvalidDataException($"its pickle takes more than {MaxOperations:n0} operations");
        }
    }

    private object? Recall(uint index) => _memo.TryGetValue(index, out var value)
        ? value
        : throw new InvalidDataException("its pickle recalls what it never memorized");

    private void Push(object? value) => _stack.Add(value);

    private void PushMark()
    {
        if (_marks.Count == MaxMarks)
        {
            throw new InvalidDataException($"its pickle nests more than {MaxMarks} levels deep");
        }

        _marks.Push(_stack.Count);
    }

    private object? Peek() => _stack.Count > LastMark ? _stack[^1] : throw Underflow();

    private object? Pop()
    {
        var top = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private string PopText() => Pop() as string ?? throw new InvalidDataException("its pickle names a global by something else than texts");

    private object?[] PopToMark()
    {
        var items = PopMany(_stack.Count - LastMark);
        return _marks.TryPop(out _) ? items : throw Underflow();
    }

    private object?[] PopMany(int count)
    {
        var start = _stack.Count - count;
        if (start < LastMark)
        {
            throw Underflow();
        }

        var items = new object?[count];
        _stack.CopyTo(start, items, 0, count);
        _stack.RemoveRange(start, count);
        return items;
    }

    private int LastMark => _marks.TryPeek(out var mark) ? mark : 0;

    private static InvalidDataException Underflow() => new("its pickle takes more from the stack than it put there");
}
