using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>Sixteen floats: a vector of 512 bits.</summary>
internal readonly unsafe struct Lanes512(Vector512<float> value) : ILanes<Lanes512>
{
    private readonly Vector512<float> _value = value;

    public static int Count => Vector512<float>.Count;

    public static Lanes512 Of(float value) => new(Vector512.Create(value));

    public static Lanes512 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadBFloat16(ushort* source) =>
        new((Vector512.WidenLower(Vector256.Load(source).ToVector512Unsafe()) << 16).AsSingle());

    public static void Store(Lanes512 value, float* target) => value._value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16(Lanes512 value, ushort* target)
    {
        // Adding 0x7FFF, and one more if the lowest bit that stays is set, carries into that bit where it is to be rounded up.
        var bits = value._value.AsUInt32();
        var rounded = (bits + Vector512.Create(0x7FFFu) + ((bits >>> 16) & Vector512<uint>.One)) >>> 16;
        var numbers = Vector512.Equals(value._value, value._value).AsUInt32();
        var halves = Vector512.ConditionalSelect(numbers, rounded, Vector512.Create(0x7FC0u));
        Vector256.Narrow(halves.GetLower(), halves.GetUpper()).Store(target);
    }

    public static Lanes512 operator +(Lanes512 left, Lanes512 right) => new(left._value + right._value);

    public static Lanes512 operator -(Lanes512 left, Lanes512 right) => new(left._value - right._value);

    public static Lanes512 operator *(Lanes512 left, Lanes512 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MultiplyAdd(Lanes512 left, Lanes512 right, Lanes512 addend) =>
        new(Vector512.MultiplyAddEstimate(left._value, right._value, addend._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MultiplyAdd(float* left, Lanes512 right, Lanes512 addend) =>
        new(Vector512.MultiplyAddEstimate(right._value, Vector512.Create(*left), addend._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 WherePositive(Lanes512 test, Lanes512 value) => new(Vector512.ConditionalSelect(
        Vector512.LessThanOrEqual(test._value, Vector512<float>.Zero), Vector512<float>.Zero, value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 WhereEqual(Lanes512 left, Lanes512 right, Lanes512 equal, Lanes512 other) =>
        new(Vector512.ConditionalSelect(Vector512.Equals(left._value, right._value), equal._value, other._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 WhereMore(Lanes512 left, Lanes512 right, Lanes512 more, Lanes512 other) =>
        new(Vector512.ConditionalSelect(Vector512.LessThanOrEqual(left._value, right._value), other._value, more._value));
}
