using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>Eight floats: a vector of 256 bits.</summary>
internal readonly unsafe struct Lanes256(Vector256<float> value) : ILanes<Lanes256>
{
    private readonly Vector256<float> _value = value;

    public static int Count => Vector256<float>.Count;

    public static Lanes256 Of(float value) => new(Vector256.Create(value));

    public static Lanes256 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadBFloat16(ushort* source) =>
        new((Vector256.WidenLower(Vector128.Load(source).ToVector256Unsafe()) << 16).AsSingle());

    public static void Store(Lanes256 value, float* target) => value._value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16(Lanes256 value, ushort* target)
    {
        // Adding 0x7FFF, and one more if the lowest bit that stays is set, carries into that bit where it is to be rounded up.
        var bits = value._value.AsUInt32();
        var rounded = (bits + Vector256.Create(0x7FFFu) + ((bits >>> 16) & Vector256<uint>.One)) >>> 16;
        var numbers = Vector256.Equals(value._value, value._value).AsUInt32();
        var halves = Vector256.ConditionalSelect(numbers, rounded, Vector256.Create(0x7FC0u));
        Vector128.Narrow(halves.GetLower(), halves.GetUpper()).Store(target);
    }

    public static Lanes256 operator +(Lanes256 left, Lanes256 right) => new(left._value + right._value);

    public static Lanes256 operator -(Lanes256 left, Lanes256 right) => new(left._value - right._value);

    public static Lanes256 operator *(Lanes256 left, Lanes256 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MultiplyAdd(Lanes256 left, Lanes256 right, Lanes256 addend) =>
        new(Vector256.MultiplyAddEstimate(left._value, right._value, addend._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MultiplyAdd(float* left, Lanes256 right, Lanes256 addend) =>
        new(Vector256.MultiplyAddEstimate(right._value, Vector256.Create(*left), addend._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 WherePositive(Lanes256 test, Lanes256 value) => new(Vector256.ConditionalSelect(
        Vector256.LessThanOrEqual(test._value, Vector256<float>.Zero), Vector256<float>.Zero, value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 WhereEqual(Lanes256 left, Lanes256 right, Lanes256 equal, Lanes256 other) =>
        new(Vector256.ConditionalSelect(Vector256.Equals(left._value, right._value), equal._value, other._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 WhereMore(Lanes256 left, Lanes256 right, Lanes256 more, Lanes256 other) =>
        new(Vector256.ConditionalSelect(Vector256.LessThanOrEqual(left._value, right._value), other._value, more._value));
}
