using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>Four floats: a vector of 128 bits.</summary>
internal readonly unsafe struct Lanes128(Vector128<float> value) : ILanes<Lanes128>
{
    private readonly Vector128<float> _value = value;

    public static int Count => Vector128<float>.Count;

    public static Lanes128 Of(float value) => new(Vector128.Create(value));

    public static Lanes128 Load(float* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadBFloat16(ushort* source) =>
        new((Vector128.WidenLower(Vector64.Load(source).ToVector128Unsafe()) << 16).AsSingle());

    public static void Store(Lanes128 value, float* target) => value._value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16(Lanes128 value, ushort* target)
    {
        // Adding 0x7FFF, and one more if the lowest bit that stays is set, carries into that bit where it is to be rounded up.
        var bits = value._value.AsUInt32();
        var rounded = (bits + Vector128.Create(0x7FFFu) + ((bits >>> 16) & Vector128<uint>.One)) >>> 16;
        var numbers = Vector128.Equals(value._value, value._value).AsUInt32();
        var halves = Vector128.ConditionalSelect(numbers, rounded, Vector128.Create(0x7FC0u));
        Vector64.Narrow(halves.GetLower(), halves.GetUpper()).Store(target);
    }

    public static Lanes128 operator +(Lanes128 left, Lanes128 right) => new(left._value + right._value);

    public static Lanes128 operator -(Lanes128 left, Lanes128 right) => new(left._value - right._value);

    public static Lanes128 operator *(Lanes128 left, Lanes128 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MultiplyAdd(Lanes128 left, Lanes128 right, Lanes128 addend) =>
        new(Vector128.MultiplyAddEstimate(left._value, right._value, addend._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MultiplyAdd(float* left, Lanes128 right, Lanes128 addend) =>
        new(Vector128.MultiplyAddEstimate(right._value, Vector128.Create(*left), addend._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 WherePositive(Lanes128 test, Lanes128 value) => new(Vector128.ConditionalSelect(
        Vector128.LessThanOrEqual(test._value, Vector128<float>.Zero), Vector128<float>.Zero, value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 WhereEqual(Lanes128 left, Lanes128 right, Lanes128 equal, Lanes128 other) =>
        new(Vector128.ConditionalSelect(Vector128.Equals(left._value, right._value), equal._value, other._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 WhereMore(Lanes128 left, Lanes128 right, Lanes128 more, Lanes128 other) =>
        new(Vector128.ConditionalSelect(Vector128.LessThanOrEqual(left._value, right._value), other._value, more._value));
}
