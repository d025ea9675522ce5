using static Google.Protobuf.WireFormat;

namespace Microsoft.ML.ResNet.Weights;

// Protobuf's messages, each no longer than the one around it.
internal sealed partial class OnnxWeights
{
    private delegate bool FieldReader(int number, WireType type, long end);

    // A message of which only one field counts.
    private void ReadInside(long parentEnd, int field, Action<long> read) => ReadMessage(parentEnd, (number, type, end) =>
    {
        if ((number, type) != (field, WireType.LengthDelimited))
        {
            return false;
        }

        read(end);
        return true;
    });

    private void ReadIntegers(WireType type, long end, Action<long> add)
    {
        if (type == WireType.Varint)
        {
            add(_input.ReadInt64());
            return;
        }

        for (var last = ReadLength(end); _input.Position < last;)
        {
            add(_input.ReadInt64());
        }
    }

    // What is kept of a message is as long as the message at most.
    private void ReadMessage(long parentEnd, FieldReader readField, bool isKept = false, int maxLength = int.MaxValue)
    {
        var end = ReadLength(parentEnd);
        if (isKept)
        {
            _allowance.Take(end - _input.Position);
        }

        if (end - _input.Position > maxLength)
        {
            throw new InvalidDataException($"it holds metadata of {end - _input.Position:n0} bytes");
        }

        if (++_messages > MaxMessages)
        {
            throw new InvalidDataException($"it holds more than {MaxMessages:n0} initializers, nodes and metadata");
        }

        ReadFields(end, readField);
    }

    private void ReadFields(long end, FieldReader readField)
    {
        while (_input.Position < end)
        {
            var tag = _input.ReadTag();
            if (tag == 0)
            {
                throw new EndOfStreamException();
            }

            if (!readField(GetTagFieldNumber(tag), GetTagWireType(tag), end))
            {
                _input.SkipLastField();
            }
        }

        if (_input.Position > end)
        {
            throw new InvalidDataException("a part of it reaches beyond its end");
        }
    }

    // Reads the length of what is inside a message that ends at parentEnd; gives where it ends.
    private long ReadLength(long parentEnd)
    {
        var length = _input.ReadLength();
        var end = _input.Position + length;
        return length >= 0 && end <= parentEnd ? end : throw new InvalidDataException("a part of it reaches beyond its end");
    }
}
