namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>A choice that is a type, so that a loop is compiled for each and decides nothing while it runs.</summary>
internal interface IFlag
{
    static abstract bool IsSet { get; }
}

/// <summary>Yes.</summary>
internal readonly struct Yes : IFlag
{
    public static bool IsSet => true;
}

/// <summary>No.</summary>
internal readonly struct No : IFlag
{
    public static bool IsSet => false;
}
