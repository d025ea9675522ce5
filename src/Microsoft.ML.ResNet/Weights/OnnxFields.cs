namespace Microsoft.ML.ResNet.Weights;

/// <summary>The numbers of ONNX's fields, by message: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto</summary>
/// <remarks>
/// Messages are read and written by hand, with Google.Protobuf's streams: weights then go between file and memory without a copy, and a
/// file is read within bounds, which generated messages have not.
/// </remarks>
internal static class OnnxFields
{
    public static class Model
    {
        public const int IrVersion = 1, ProducerName = 2, Graph = 7, OperatorSets = 8, Metadata = 14;
    }

    public static class OperatorSet
    {
        public const int Domain = 1, Version = 2;
    }

    public static class MetadataEntry
    {
        public const int Key = 1, Value = 2;
    }

    public static class Graph
    {
        public const int Nodes = 1, Name = 2, Initializers = 5, Inputs = 11, Outputs = 12;
    }

    public static class Node
    {
        public const int Inputs = 1, Outputs = 2, Name = 3, Operator = 4, Attributes = 5, Domain = 7;
    }

    public static class Attribute
    {
        public const int Name = 1, Float = 2, Integer = 3, Text = 4, Tensor = 5, Integers = 8, Texts = 9, Type = 20;
    }

    public static class Tensor
    {
        public const int Dimensions = 1, ElementType = 2, FloatData = 4, Int32Data = 5, Int64Data = 7, Name = 8, RawData = 9,
            ExternalData = 13, DataLocation = 14;
    }

    public static class Value
    {
        public const int Name = 1, Type = 2;
    }

    public static class ValueType
    {
        public const int Tensor = 1;
    }

    public static class TensorType
    {
        public const int ElementType = 1, Shape = 2;
    }

    public static class TensorShape
    {
        public const int Dimensions = 1;
    }

    public static class Dimension
    {
        public const int Size = 1, Name = 2;
    }
}

/// <summary>Element types of ONNX tensors: TensorProto.DataType.</summary>
internal enum OnnxElementType
{
    Float = 1,
    UInt8 = 2,
    Int8 = 3,
    Int32 = 6,
    Int64 = 7,
    Float16 = 10,
    Float64 = 11,
    BFloat16 = 16,
}
