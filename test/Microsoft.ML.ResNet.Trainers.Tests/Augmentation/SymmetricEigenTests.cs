using Microsoft.ML.ResNet.Trainers.Augmentation;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

public sealed class SymmetricEigenTests
{
    [Fact]
    public void TheProductOfTheFactorsIsTheMatrix()
    {
        var random = new Random(1);
        for (var i = 0; i < 200; i++)
        {
            // Of very different sizes, as covariances are.
            var (a, b, c) = (Entry(), Entry(), Entry());
            AssertDecomposes(new[,] { { a, b, c }, { b, Entry(), b }, { c, b, Entry() } });
        }

        double Entry() => (2 * random.NextDouble() - 1) * Math.Pow(10, random.Next(-3, 5));
    }

    [Fact]
    public void AMatrixThatIsDiagonalOrHasEqualEigenvaluesDecomposesToo()
    {
        AssertDecomposes(new double[,] { { 0, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } });
        AssertDecomposes(new double[,] { { 3, 0, 0 }, { 0, -1, 0 }, { 0, 0, 2 } });
        AssertDecomposes(new double[,] { { 2, 1, 1 }, { 1, 2, 1 }, { 1, 1, 2 } }); // 4, 1, 1
        AssertDecomposes(new double[,] { { 1, 1, 1 }, { 1, 1, 1 }, { 1, 1, 1 } }); // 3, 0, 0
    }

    [Fact]
    public void KnownEigenvaluesAreFound()
    {
        var (values, _) = SymmetricEigen.Decompose(new double[,] { { 2, -1, 0 }, { -1, 2, -1 }, { 0, -1, 2 } });
        Assert.Equal([2 - Math.Sqrt(2), 2, 2 + Math.Sqrt(2)], values.Order(), (a, b) => Math.Abs(a - b) < 1e-12);
    }

    private static void AssertDecomposes(double[,] matrix)
    {
        var (values, vectors) = SymmetricEigen.Decompose(matrix);
        var scale = Math.Max(1, values.Max(Math.Abs));
        for (var row = 0; row < 3; row++)
        {
            for (var column = 0; column < 3; column++)
            {
                Assert.Equal(
                    matrix[row, column], Enumerable.Range(0, 3).Sum(i => vectors[row, i] * values[i] * vectors[column, i]), 1e-12 * scale);
                Assert.Equal(row == column ? 1 : 0, Enumerable.Range(0, 3).Sum(i => vectors[i, row] * vectors[i, column]), 1e-12);
            }
        }
    }
}
