using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.TestSupport;

/// <summary>
/// What every estimator and transformer must do to live in a pipeline: the checks of ML.NET's own conformance test (TestEstimatorCore),
/// and those that its users run into beside it.
/// </summary>
internal static class Conformance
{
    private const double Tolerance = 1e-6;

    /// <summary>Checks an estimator, and the transformer that it fits.</summary>
    /// <param name="ml">The context.</param>
    /// <param name="estimator">The estimator.</param>
    /// <param name="valid">Data that it takes.</param>
    /// <param name="invalid">Data that it must refuse, everywhere, by its schema.</param>
    public static void CheckEstimator<TTransformer>(MLContext ml, IEstimator<TTransformer> estimator, IDataView valid, IDataView invalid)
        where TTransformer : class, ITransformer
    {
        var invalidShape = MLNetInternals.NewSchemaShape(null, invalid.Schema);
        AssertRefused(() => estimator.GetOutputSchema(invalidShape));
        AssertRefused(() => estimator.Fit(invalid));

        var transformer = estimator.Fit(valid);
        AssertRefused(() => transformer.GetOutputSchema(invalid.Schema));
        AssertRefused(() => transformer.Transform(invalid));
        AssertRefused(() => transformer.GetRowToRowMapper(invalid.Schema));

        CheckShape(estimator.GetOutputSchema(MLNetInternals.NewSchemaShape(null, valid.Schema)), transformer.GetOutputSchema(valid.Schema));
        CheckTransformer(ml, transformer, valid);
        (transformer as IDisposable)?.Dispose();
        (transformer as IDisposable)?.Dispose();
    }

    /// <summary>Checks a transformer: in memory, as a row mapper, and after saving and loading.</summary>
    public static void CheckTransformer(MLContext ml, ITransformer transformer, IDataView data)
    {
        using var folder = new TemporaryFolder();
        ml.Model.Save(transformer, data.Schema, folder["model.zip"]);
        var loaded = ml.Model.Load(folder["model.zip"], out var loadedInput);

        // ML.NET's own format leaves image columns out of a saved schema.
        Assert.Equal(
            Visible(data.Schema).Where(column => column.Type is not ImageDataViewType).Select(column => column.Name),
            Visible(loadedInput).Select(column => column.Name));

        var (expected, actual) = (transformer.Transform(data), loaded.Transform(data));
        AssertSchemasEqual(expected.Schema, transformer.GetOutputSchema(data.Schema));
        AssertSchemasEqual(expected.Schema, actual.Schema);
        AssertRowsEqual(expected, actual);

        Assert.True(transformer.IsRowToRowMapper);
        var mapper = transformer.GetRowToRowMapper(data.Schema);
        Assert.Same(data.Schema, mapper.InputSchema);
        AssertSchemasEqual(expected.Schema, mapper.OutputSchema);
        AssertMapperEqual(expected, data, mapper);
        CheckCursors(expected);
        (loaded as IDisposable)?.Dispose();
    }

    /// <summary>Checks that a shape promises what the schema delivers, annotations both ways.</summary>
    public static void CheckShape(SchemaShape promised, DataViewSchema delivered)
    {
        var actual = MLNetInternals.NewSchemaShape(null, delivered);
        Assert.Equal(promised.Select(column => column.Name).Order(), actual.Select(column => column.Name).Order());
        foreach (var column in promised)
        {
            var other = actual.Find(column.Name)!.Value;
            Assert.Equal(column.Describe(), other.Describe());
            Assert.Equal(
                column.Annotations.Select(annotation => $"{annotation.Name}: {annotation.Describe()}").Order(),
                other.Annotations.Select(annotation => $"{annotation.Name}: {annotation.Describe()}").Order());
        }
    }

    // As ML.NET does: a wrong schema is one of these two, never a null reference or a cast.
    private static void AssertRefused(Action action)
    {
        var exception = Record.Exception(action);
        Assert.True(
            exception is ArgumentOutOfRangeException or InvalidOperationException,
            $"Expected a refusal, but got: {exception?.ToString() ?? "no exception"}");
    }

    private static IEnumerable<DataViewSchema.Column> Visible(DataViewSchema schema) => schema.Where(column => !column.IsHidden);

    private static void AssertSchemasEqual(DataViewSchema expected, DataViewSchema actual)
    {
        Assert.Equal(expected.Select(column => column.Name), actual.Select(column => column.Name));
        foreach (var (left, right) in expected.Zip(actual))
        {
            Assert.Equal(left.Type, right.Type);
            Assert.Equal(Annotations(left), Annotations(right));
        }

        static IEnumerable<(string, DataViewType)> Annotations(DataViewSchema.Column column) =>
            column.Annotations.Schema.Select(annotation => (annotation.Name, annotation.Type)).OrderBy(annotation => annotation.Name);
    }

    private static void AssertRowsEqual(IDataView expected, IDataView actual)
    {
        var indices = Enumerable.Range(0, expected.Schema.Count).ToArray();
        AssertRowsEqual(expected, actual, indices);
        AssertRowsEqual(expected, actual, [.. indices.Where(index => index % 2 == 0)]);
        AssertRowsEqual(expected, actual, [.. indices.Where(index => index % 2 == 1)]);
        foreach (var index in indices)
        {
            AssertRowsEqual(expected, actual, [index]);
        }
    }

    private static void AssertRowsEqual(IDataView expected, IDataView actual, int[] indices)
    {
        using var left = expected.GetRowCursor(indices.Select(index => expected.Schema[index]));
        using var right = actual.GetRowCursor(indices.Select(index => actual.Schema[index]));
        var readers = indices.Select(index => (Left: RowValue.Reader(left, index), Right: RowValue.Reader(right, index))).ToArray();
        while (left.MoveNext())
        {
            Assert.True(right.MoveNext());
            foreach (var (readLeft, readRight) in readers)
            {
                RowValue.AssertEqual(readLeft(), readRight(), Tolerance);
            }
        }

        Assert.False(right.MoveNext());
    }

    private static void AssertMapperEqual(IDataView expected, IDataView data, IRowToRowMapper mapper)
    {
        var columns = expected.Schema.Where(column => !column.IsHidden).ToArray();
        using var left = expected.GetRowCursor(columns);
        using var input = data.GetRowCursor(data.Schema);
        using var row = mapper.GetRow(input, mapper.OutputSchema);
        var readers = columns.Select(column => (Left: RowValue.Reader(left, column.Index), Right: RowValue.Reader(row, column.Index)))
            .ToArray();
        while (left.MoveNext())
        {
            Assert.True(input.MoveNext());
            foreach (var (readLeft, readRight) in readers)
            {
                RowValue.AssertEqual(readLeft(), readRight(), Tolerance);
            }
        }
    }

    public static void CheckCursors(IDataView view)
    {
        using (var cursor = view.GetRowCursor(view.Schema))
        {
            Assert.Equal(-1, cursor.Position);
            var rows = 0L;
            while (cursor.MoveNext())
            {
                Assert.Equal(rows++, cursor.Position);
            }

            Assert.Equal(-1, cursor.Position);
            Assert.False(cursor.MoveNext());
        }

        // Images cannot cross threads, so a set is asked for the classifier's own columns only.
        var score = view.Schema.Where(column => column.Type is not ImageDataViewType && !column.IsHidden).ToArray();
        var single = ReadIds(view.GetRowCursor(score));
        var set = view.GetRowCursorSet(score, 3).SelectMany(cursor => ReadIds(cursor)).ToArray();
        Assert.Equal(single.Order(), set.Order());
    }

    private static string[] ReadIds(DataViewRowCursor cursor)
    {
        using (cursor)
        {
            var (getId, id, ids) = (cursor.GetIdGetter(), default(DataViewRowId), new List<string>());
            while (cursor.MoveNext())
            {
                getId(ref id);
                ids.Add(id.ToString());
            }

            return [.. ids];
        }
    }
}
