using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>The values of a column in rows that were read ahead, or what was thrown where one could not be read.</summary>
internal abstract class BufferedColumn
{
    /// <summary>Whether values of a type outlive their row. An image does not: its owner disposes it, and a copy would be large.</summary>
    public static bool Holds(DataViewType type) => type is PrimitiveDataViewType or VectorDataViewType { ItemType: PrimitiveDataViewType };

    public static BufferedColumn Create(DataViewRowCursor rows, DataViewSchema.Column column, int capacity)
    {
        var type = column.Type is VectorDataViewType vector
            ? typeof(BufferedVector<>).MakeGenericType(vector.ItemType.RawType)
            : typeof(BufferedColumn<>).MakeGenericType(column.Type.RawType);
        return (BufferedColumn)Activator.CreateInstance(type, rows, column, capacity)!;
    }

    /// <summary>Reads the row that the cursor is at.</summary>
    public abstract void Read(int slot);
}

/// <summary>A column of values that are copied by assignment.</summary>
internal class BufferedColumn<T>(DataViewRowCursor rows, DataViewSchema.Column column, int capacity) : BufferedColumn
{
    private readonly ValueGetter<T> _read = rows.GetGetter<T>(column);
    private readonly T[] _values = new T[capacity];
    private readonly ExceptionDispatchInfo?[] _errors = new ExceptionDispatchInfo?[capacity];

    public override void Read(int slot)
    {
        try
        {
            _errors[slot] = null;
            _read(ref _values[slot]);
        }
        catch (Exception exception)
        {
            _errors[slot] = ExceptionDispatchInfo.Capture(exception);
        }
    }

    /// <summary>Gives the value, or throws what reading it threw.</summary>
    public void Get(int slot, ref T value)
    {
        _errors[slot]?.Throw();
        Copy(_values[slot], ref value);
    }

    protected virtual void Copy(in T source, ref T destination) => destination = source;
}

/// <summary>A column of vectors, whose values the caller owns.</summary>
internal sealed class BufferedVector<T>(DataViewRowCursor rows, DataViewSchema.Column column, int capacity)
    : BufferedColumn<VBuffer<T>>(rows, column, capacity)
{
    protected override void Copy(in VBuffer<T> source, ref VBuffer<T> destination) => source.CopyTo(ref destination);
}
