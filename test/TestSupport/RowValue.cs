using System.Reflection;
using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.TestSupport;

/// <summary>Reads and compares values of any column, by its type.</summary>
internal static class RowValue
{
    /// <summary>Makes a reader of a column that gives numbers, texts, or arrays of them.</summary>
    public static Func<object?> Reader(DataViewRow row, int index)
    {
        var type = row.Schema[index].Type;
        var method = typeof(RowValue).GetMethod(
            type is VectorDataViewType ? nameof(VectorReader) : nameof(ScalarReader), BindingFlags.NonPublic | BindingFlags.Static)!;
        var item = type is VectorDataViewType vector ? vector.ItemType.RawType : type.RawType;
        return (Func<object?>)method.MakeGenericMethod(item).Invoke(null, [row, index])!;
    }

    public static void AssertEqual(object? expected, object? actual, double tolerance)
    {
        if (expected is MLImage left && actual is MLImage right)
        {
            Assert.Equal((left.Width, left.Height), (right.Width, right.Height));
            Assert.True(left.Pixels.SequenceEqual(right.Pixels));
        }
        else if (expected is float[] floats)
        {
            var others = Assert.IsType<float[]>(actual);
            Assert.Equal(floats.Length, others.Length);
            for (var i = 0; i < floats.Length; i++)
            {
                Assert.Equal(floats[i], others[i], tolerance);
            }
        }
        else
        {
            Assert.Equal(expected, actual);
        }
    }

    private static Func<object?> ScalarReader<T>(DataViewRow row, int index)
    {
        var (getter, value) = (row.GetGetter<T>(row.Schema[index]), default(T)!);
        return () =>
        {
            getter(ref value);
            return value is ReadOnlyMemory<char> text ? text.ToString() : value;
        };
    }

    private static Func<object?> VectorReader<T>(DataViewRow row, int index)
    {
        var (getter, value) = (row.GetGetter<VBuffer<T>>(row.Schema[index]), default(VBuffer<T>));
        return () =>
        {
            getter(ref value);
            return value.DenseValues().ToArray();
        };
    }
}
