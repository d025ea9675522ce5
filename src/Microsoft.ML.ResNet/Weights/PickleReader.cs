using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using static Microsoft.ML.ResNet.Weights.Refusal;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// Interprets a pickle of a tensor dictionary, and nothing else: the opcodes that torch.save writes, and the globals of
/// <see cref="PickleGlobals"/>. Nothing is looked up or executed outside of these two lists.
/// </summary>
/// <remarks>
/// Memory is bounded by the number of operations and bytes, since no operation makes more than one object, of what it takes from the stack
/// and reads. Pickles may be cyclic and may nest without end: the interpreter does not recurse, and what reads its result descends a few levels only.
/// Opcodes: https://github.com/python/cpython/blob/main/Lib/pickletools.py
/// </remarks>
internal sealed class PickleReader(Stream stream)
{
    /// <summary>The most bytes that are read, of all pickles of a file. ResNet-1202's are 1 MB long.</summary>
    public const int MaxBytes = 8 << 20;

    private const int MaxOperations = 1 << 20; // about 30 for a tensor
    private const int MaxMarks = 256;
    private const int LongestText = 1 << 16;
    private const int LongestInteger = 16;

    private readonly List<object?> _stack = [];
    private readonly Stack<int> _marks = [];
    private readonly Dictionary<uint, object?> _memo = [];
    private readonly Dictionary<string, StorageReference> _storages = [];
    private byte[] _text = [];
    private int _bytesLeft = MaxBytes;
    private int _operationsLeft = MaxOperations;

    private enum Opcode : byte
    {
        Mark = (byte)'(',
        Stop = (byte)'.',
        Pop = (byte)'0',
        PopMark = (byte)'1',
        Dup = (byte)'2',
        BinInt = (byte)'J',
        BinInt1 = (byte)'K',
        BinInt2 = (byte)'M',
        None = (byte)'N',
        BinPersId = (byte)'Q',
        Reduce = (byte)'R',
        BinString = (byte)'T',
        ShortBinString = (byte)'U',
        BinUnicode = (byte)'X',
        Append = (byte)'a',
        Build = (byte)'b',
        Global = (byte)'c',
        Appends = (byte)'e',
        BinGet = (byte)'h',
        LongBinGet = (byte)'j',
        BinPut = (byte)'q',
        LongBinPut = (byte)'r',
        SetItem = (byte)'s',
        Tuple = (byte)'t',
        SetItems = (byte)'u',
        EmptyList = (byte)']',
        EmptyDict = (byte)'}',
        EmptyTuple = (byte)')',
        BinFloat = (byte)'G',
        Proto = 0x80,
        NewObj = 0x81,
        Tuple1 = 0x85,
        Tuple2 = 0x86,
        Tuple3 = 0x87,
        NewTrue = 0x88,
        NewFalse = 0x89,
        Long1 = 0x8a,
        ShortBinUnicode = 0x8c,
        StackGlobal = 0x93,
        Memoize = 0x94,
        Frame = 0x95,
    }

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
            var opcode = (Opcode)ReadByte();
            if (opcode == Opcode.Stop)
            {
                return Pop();
            }

            Execute(opcode);
        }
    }

    private void Execute(Opcode opcode)
    {
        switch (opcode)
        {
            case Opcode.Proto:
                ReadByte();
                break;
            case Opcode.Frame:
                Skip(sizeof(ulong)); // a hint for buffering
                break;

            case Opcode.None:
                Push(null);
                break;
            case Opcode.NewTrue or Opcode.NewFalse:
                Push(opcode == Opcode.NewTrue);
                break;
            case Opcode.BinInt1:
                Push((long)ReadByte());
                break;
            case Opcode.BinInt2:
                Push((long)BinaryPrimitives.ReadUInt16LittleEndian(ReadBytes(stackalloc byte[sizeof(ushort)])));
                break;
            case Opcode.BinInt:
                Push((long)(int)ReadUInt32());
                break;
            case Opcode.Long1:
                Push(ReadLong(ReadByte()));
                break;
            case Opcode.BinFloat:
                Push(BinaryPrimitives.ReadDoubleBigEndian(ReadBytes(stackalloc byte[sizeof(double)])));
                break;
            case Opcode.BinUnicode:
                Push(ReadText(ReadUInt32(), Encoding.UTF8));
                break;
            case Opcode.ShortBinUnicode:
                Push(ReadText(ReadByte(), Encoding.UTF8));
                break;
            case Opcode.BinString:
                Push(ReadText(ReadUInt32(), Encoding.Latin1)); // Python 2
                break;
            case Opcode.ShortBinString:
                Push(ReadText(ReadByte(), Encoding.Latin1));
                break;

            case Opcode.Mark:
                PushMark();
                break;
            case Opcode.Pop:
                Pop();
                break;
            case Opcode.PopMark:
                PopToMark();
                break;
            case Opcode.Dup:
                Push(Peek());
                break;
            case Opcode.EmptyTuple:
                Push(Array.Empty<object?>());
                break;
            case Opcode.Tuple1 or Opcode.Tuple2 or Opcode.Tuple3:
                Push(PopMany(opcode - Opcode.Tuple1 + 1));
                break;
            case Opcode.Tuple:
                Push(PopToMark());
                break;
            case Opcode.EmptyList:
                Push(new PickleList());
                break;
            case Opcode.Append:
                Append(PopMany(1));
                break;
            case Opcode.Appends:
                Append(PopToMark());
                break;
            case Opcode.EmptyDict:
                Push(new PickleDictionary());
                break;
            case Opcode.SetItem:
                SetItems(PopMany(2));
                break;
            case Opcode.SetItems:
                SetItems(PopToMark());
                break;

            case Opcode.BinPut:
                _memo[ReadByte()] = Peek();
                break;
            case Opcode.LongBinPut:
                _memo[ReadUInt32()] = Peek();
                break;
            case Opcode.Memoize:
                _memo[(uint)_memo.Count] = Peek();
                break;
            case Opcode.BinGet:
                Push(Recall(ReadByte()));
                break;
            case Opcode.LongBinGet:
                Push(Recall(ReadUInt32()));
                break;

            case Opcode.Global:
                Push(PickleGlobals.Find($"{ReadLine()}.{ReadLine()}"));
                break;
            case Opcode.StackGlobal:
                var name = PopText();
                Push(PickleGlobals.Find($"{PopText()}.{name}"));
                break;
            case Opcode.Reduce or Opcode.NewObj:
                var arguments = Pop() as object?[] ?? throw new InvalidDataException("its pickle calls a function without a tuple of arguments");
                Call(Pop(), arguments);
                break;
            case Opcode.Build:
                Build();
                break;
            case Opcode.BinPersId:
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
        var dictionary = Peek() as PickleDictionary ?? throw new InvalidDataException($"its pickle sets items of {PickleGlobals.Describe(Peek())}");
        for (var i = 0; i < items.Length; i += 2)
        {
            dictionary.Add(items[i], i + 1 < items.Length ? items[i + 1] : throw new InvalidDataException("its pickle sets an item without a value"));
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

    private object? Recall(uint index) => _memo.TryGetValue(index, out var value) ? value : throw new InvalidDataException("its pickle recalls what it never memorized");

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

    private byte ReadByte()
    {
        Span<byte> buffer = stackalloc byte[1];
        return ReadBytes(buffer)[0];
    }

    private uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(ReadBytes(stackalloc byte[sizeof(uint)]));

    private void Skip(int count) => ReadBytes(stackalloc byte[count]);

    // Two's complement, little-endian, as short as it gets.
    private object ReadLong(int length)
    {
        if (length > LongestInteger)
        {
            throw new InvalidDataException($"its pickle holds a number of {length} bytes");
        }

        Span<byte> bytes = stackalloc byte[LongestInteger];
        ReadBytes(bytes[..length]);
        bytes[length..].Fill(length > 0 && (bytes[length - 1] & 0x80) != 0 ? (byte)0xff : (byte)0);
        var value = BinaryPrimitives.ReadInt128LittleEndian(bytes);
        return value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value;
    }

    private string ReadText(uint length, Encoding encoding)
    {
        if (length > LongestText)
        {
            throw new InvalidDataException($"its pickle claims a text of {length:n0} bytes");
        }

        if (_text.Length < length)
        {
            Array.Resize(ref _text, (int)BitOperations.RoundUpToPowerOf2(length));
        }

        return encoding.GetString(ReadBytes(_text.AsSpan(0, (int)length)));
    }

    // The names of a module and of what is in it, each on a line.
    private string ReadLine()
    {
        Span<byte> line = stackalloc byte[256];
        for (var i = 0; i < line.Length; i++)
        {
            line[i] = ReadByte();
            if (line[i] == '\n')
            {
                return Encoding.UTF8.GetString(line[..i]);
            }
        }

        throw new InvalidDataException("its pickle names a global without an end");
    }

    private ReadOnlySpan<byte> ReadBytes(Span<byte> buffer)
    {
        _bytesLeft -= buffer.Length;
        if (_bytesLeft < 0)
        {
            throw new InvalidDataException($"its pickle is longer than {MaxBytes:n0} bytes");
        }

        stream.ReadExactly(buffer);
        return buffer;
    }
}
