using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Images;

/// <summary>A cursor over a view of ours: it checks what is asked of it, and leaves rows and values to the view's own.</summary>
internal abstract class ViewCursor(DataViewSchema schema) : DataViewRowCursor
{
    public sealed override DataViewSchema Schema => schema;

    public sealed override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (!IsColumnActive(column))
        {
            throw new ArgumentOutOfRangeException(
                nameof(column), $"Column '{column.Name}' was not asked for when the cursor was made.");
        }

        return GetterOf<TValue>(column) as ValueGetter<TValue>
            ?? throw new InvalidOperationException($"Column '{column.Name}' is {column.Type}, which cannot be read as {typeof(TValue)}.");
    }

    /// <summary>Makes the exception for a value that is asked for before the first row or after the last.</summary>
    protected static InvalidOperationException NoRow() => new("The cursor is at no row: MoveNext was not called yet, or returned false.");

    /// <summary>Gets what reads an active column.</summary>
    /// <typeparam name="TValue">The type asked for.</typeparam>
    /// <param name="column">The column.</param>
    /// <returns>The getter of the column's own type; null where there is none of the type asked for.</returns>
    protected abstract Delegate? GetterOf<TValue>(DataViewSchema.Column column);
}

/// <summary>A cursor over the rows of another one, which it disposes of.</summary>
internal abstract class PassingCursor(DataViewSchema schema, DataViewRowCursor rows) : ViewCursor(schema)
{
    public override long Position => rows.Position;

    public override long Batch => rows.Batch;

    public override bool MoveNext() => rows.MoveNext();

    public override bool IsColumnActive(DataViewSchema.Column column) => rows.IsColumnActive(column);

    public override ValueGetter<DataViewRowId> GetIdGetter() => rows.GetIdGetter();

    protected override Delegate? GetterOf<TValue>(DataViewSchema.Column column) => rows.GetGetter<TValue>(column);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            rows.Dispose();
        }

        base.Dispose(disposing);
    }
}
