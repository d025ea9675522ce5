namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>A number as it is kept in memory; kernels compute with floats.</summary>
internal unsafe interface IElement<TSelf>
    where TSelf : unmanaged, IElement<TSelf>
{
    static abstract TLanes Load<TLanes>(TSelf* source)
        where TLanes : struct, ILanes<TLanes>;

    static abstract void Store<TLanes>(TLanes value, TSelf* target)
        where TLanes : struct, ILanes<TLanes>;
}

/// <summary>A number of 32 bits.</summary>
internal readonly unsafe struct SingleElement : IElement<SingleElement>
{
    private readonly float _value;

    public static TLanes Load<TLanes>(SingleElement* source)
        where TLanes : struct, ILanes<TLanes> => TLanes.Load(&source->_value);

    public static void Store<TLanes>(TLanes value, SingleElement* target)
        where TLanes : struct, ILanes<TLanes> => TLanes.Store(value, (float*)target);
}

/// <summary>A number of 16 bits: the upper half of a float.</summary>
internal readonly unsafe struct BFloat16Element : IElement<BFloat16Element>
{
    private readonly ushort _bits;

    public static TLanes Load<TLanes>(BFloat16Element* source)
        where TLanes : struct, ILanes<TLanes> => TLanes.LoadBFloat16(&source->_bits);

    public static void Store<TLanes>(TLanes value, BFloat16Element* target)
        where TLanes : struct, ILanes<TLanes> => TLanes.StoreBFloat16(value, (ushort*)target);
}
