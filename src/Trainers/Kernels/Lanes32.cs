using System.Runtime.CompilerServices;
namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>One float: for numbers of channels that no vector divides, and what vectors are tested against.</summary>
internal readonly unsafe struct Lanes32(float value) : ILanes<Lanes32>
{
    private readonly float _value = value;

    public static int Count => 1;

    public static Lanes32 Of(float value) => new(value);

    public static Lanes32 Load(float* source) => new(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes32 LoadBFloat16(ushort* source) => new(BitConverter.UInt32BitsToSingle((uint)*source << 16));

    public static void Store(Lanes32 value, float* target) => *target = value._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16(Lanes32 value, ushort* target)
    {
        var bits = BitConverter.SingleToUInt32Bits(value._value);
        *target = float.IsNaN(value._value) ? (ushort)0x7FC0 : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    public static Lanes32 operator +(Lanes32 left, Lanes32 right) => new(left._value + right._value);

    public static Lanes32 operator -(Lanes32 left, Lanes32 right) => new(left._value - right._value);

    public static Lanes32 operator *(Lanes32 left, Lanes32 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes32 MultiplyAdd(Lanes32 left, Lanes32 right, Lanes32 addend) =>
        new(float.MultiplyAddEstimate(left._value, right._value, addend._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes32 MultiplyAdd(float* left, Lanes32 right, Lanes32 addend) =>
        new(float.MultiplyAddEstimate(*left, right._value, addend._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes32 WherePositive(Lanes32 test, Lanes32 value) => test._value <= 0 ? new(0) : value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes32 WhereEqual(Lanes32 left, Lanes32 right, Lanes32 equal, Lanes32 other) =>
        left._value == right._value ? equal : other;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes32 WhereMore(Lanes32 left, Lanes32 right, Lanes32 more, Lanes32 other) =>
        left._value <= right._value ? other : more;
}
