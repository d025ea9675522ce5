namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>
/// Eigenvalues and eigenvectors of a small symmetric matrix, by cyclic Jacobi rotations (Golub and Van Loan, 2013, section 8.5).
/// </summary>
internal static class SymmetricEigen
{
    // Convergence is quadratic: a 3×3 matrix is diagonal, to the last bit, after about six.
    private const int Sweeps = 16;

    /// <summary>Decomposes a matrix A = V·diag(values)·Vᵀ.</summary>
    /// <param name="matrix">The symmetric matrix; not changed.</param>
    /// <returns>The eigenvalues, in no particular order; and V, whose columns are their eigenvectors, of length 1.</returns>
    public static (double[] Values, double[,] Vectors) Decompose(double[,] matrix)
    {
        var size = matrix.GetLength(0);
        var (a, v) = ((double[,])matrix.Clone(), new double[size, size]);
        for (var i = 0; i < size; i++)
        {
            v[i, i] = 1;
        }

        for (var sweep = 0; sweep < Sweeps; sweep++)
        {
            for (var p = 0; p < size - 1; p++)
            {
                for (var q = p + 1; q < size; q++)
                {
                    Rotate(a, v, p, q);
                }
            }
        }

        return ([.. Enumerable.Range(0, size).Select(i => a[i, i])], v);
    }

    // Turns the plane of axes p and q so that a[p, q] becomes 0.
    private static void Rotate(double[,] a, double[,] v, int p, int q)
    {
        if (a[p, q] == 0)
        {
            return;
        }

        var cotangent2 = (a[q, q] - a[p, p]) / (2 * a[p, q]);        // of twice the angle
        var tangent = Math.CopySign(1 / (Math.Abs(cotangent2) + Math.Sqrt(cotangent2 * cotangent2 + 1)), cotangent2); // the smaller angle
        var cosine = 1 / Math.Sqrt(tangent * tangent + 1);
        var sine = tangent * cosine;
        for (var i = 0; i < a.GetLength(0); i++)
        {
            (a[i, p], a[i, q]) = (cosine * a[i, p] - sine * a[i, q], sine * a[i, p] + cosine * a[i, q]);
            (v[i, p], v[i, q]) = (cosine * v[i, p] - sine * v[i, q], sine * v[i, p] + cosine * v[i, q]);
        }

        for (var i = 0; i < a.GetLength(0); i++)
        {
            (a[p, i], a[q, i]) = (cosine * a[p, i] - sine * a[q, i], sine * a[p, i] + cosine * a[q, i]);
        }
    }
}
