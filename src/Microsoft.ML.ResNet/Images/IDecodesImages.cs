namespace Microsoft.ML.ResNet.Images;

/// <summary>A view whose images come from <see cref="ImageDecoder"/>: where one is damaged, the exception says so, and names it.</summary>
internal interface IDecodesImages : IDataView;
