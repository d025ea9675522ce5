using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>A chain of stock transformers with the temporary file that its ONNX stage reads; what our transformers delegate to.</summary>
internal sealed class OnnxBackedChain : IDisposable
{
    private readonly ImageColumn _image;
    private readonly TransformerChain<ITransformer> _chain;
    private readonly TemporaryFile _onnxFile;

    private OnnxBackedChain(ImageColumn image, TransformerChain<ITransformer> chain, TemporaryFile onnxFile)
    {
        _image = image;
        _chain = chain;
        _onnxFile = onnxFile;
    }

    /// <summary>Builds a chain around a temporary file, and deletes the file if that fails.</summary>
    public static OnnxBackedChain Build(ImageColumn image, Func<string, TransformerChain<ITransformer>> build)
    {
        ScoringPrerequisites.Check();
        var onnxFile = new TemporaryFile("network.onnx");
        try
        {
            return new OnnxBackedChain(image, build(onnxFile.Path), onnxFile);
        }
        catch
        {
            onnxFile.Dispose();
            throw;
        }
    }

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _image.CheckSame(inputSchema);
        return _chain.GetOutputSchema(inputSchema);
    }

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _image.CheckSame(input.Schema);
        return _chain.Transform(input);
    }

    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _image.CheckSame(inputSchema);
        return ((ITransformer)_chain).GetRowToRowMapper(inputSchema);
    }

    // Everything saved is the chain's: nothing may be written before or after it.
    public void Save(ModelSaveContext context) => ((ICanSaveModel)_chain).Save(context);

    public void Dispose()
    {
        _chain.Dispose();
        _onnxFile.Dispose();
    }
}
