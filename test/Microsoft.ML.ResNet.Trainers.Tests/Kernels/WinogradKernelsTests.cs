using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Trainers.Kernels;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Tests.Kernels;

/// <summary>Every width of vectors and size of tiles gives Torch's convolution and its gradients.</summary>
public sealed unsafe class WinogradKernelsTests
{
    // Of a result's length. Where values are kept in bfloat16, each is rounded by up to 1/256.
    private const double Float32Tolerance = 2e-6, LargeTilesTolerance = 5e-6, BFloat16Tolerance = 4e-3;

    public WinogradKernelsTests() => TorchRuntime.Initialize();

    // Even and odd sides, one row and one column, several blocks of tiles, rows of one and of more vectors, fewer channels than filters.
    public static TheoryData<int, int, int, int, int> Shapes => new()
    {
        { 2, 8, 8, 32, 32 },
        { 3, 7, 9, 16, 48 },
        { 1, 1, 6, 64, 16 },
        { 2, 5, 1, 16, 16 },
        { 9, 14, 14, 32, 64 },
        { 1, 3, 150, 16, 32 },
        { 2, 14, 14, 256, 256 },
    };

    private static IEnumerable<(int Side, int Lanes)> Kinds =>
        from side in new[] { 2, 4 }
        from lanes in new[] { 4, 8, 16 }
        where lanes <= ActivationKernels.WidestLanes
        select (side, lanes);

    [Theory]
    [MemberData(nameof(Shapes))]
    public void ConvolvesAsTorchDoes(int images, int height, int width, int channels, int filters)
    {
        var shape = new WinogradShape(images, height, width, channels, filters);
        foreach (var bfloat16 in new[] { false, true })
        {
            using var scope = NewDisposeScope();
            var problem = new Problem(shape, bfloat16);
            foreach (var (side, lanes) in Kinds)
            {
                var result = problem.Compute(WinogradKernels.For(bfloat16, side, lanes));
                var differences = problem.Expected.Zip(result, Difference).ToArray();
                var tolerance = bfloat16 ? BFloat16Tolerance : side == 2 ? Float32Tolerance : LargeTilesTolerance;
                Assert.All(differences, difference => Assert.InRange(difference, 0, tolerance));
            }
        }
    }

    // Workers transform filters together, each some of them.
    [Fact]
    public void FiltersAreTransformedInAnyParts()
    {
        const int Channels = 32, Filters = 48;
        var w = Enumerable.Range(0, Filters * 9 * Channels).Select(i => MathF.Cos(i)).ToArray();
        foreach (var (side, lanes) in Kinds)
        {
            var kernels = WinogradKernels.For(bfloat16: false, side, lanes);
            var whole = Transform(kernels, w, [0, Filters]);
            Assert.Equal(whole, Transform(kernels, w, [0, 16, Filters]));
            Assert.Equal(2 * Channels * Filters * (side + 2) * (side + 2), whole.Count(value => value != 0));
        }

        static float[] Transform(WinogradKernels kernels, float[] w, int[] ends)
        {
            var floats = (int)kernels.FilterFloats(Channels, Filters);
            var result = new float[2 * floats];
            fixed (float* source = w, target = result)
            {
                for (var part = 1; part < ends.Length; part++)
                {
                    kernels.TransformFilters(source, Channels, Filters, ends[part - 1], ends[part], target);
                    kernels.TransformTurnedFilters(source, Channels, Filters, ends[part - 1], ends[part], target + floats);
                }
            }

            return result;
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void TheRoomMayHoldAnything(int side)
    {
        var shape = new WinogradShape(2, 6, 6, 32, 32);
        using var scope = NewDisposeScope();
        var problem = new Problem(shape, bfloat16: false);
        var kernels = WinogradKernels.For(bfloat16: false, side);

        var clean = problem.Compute(kernels);
        var dirty = problem.Compute(kernels, room: float.NaN);

        Assert.All(clean.Zip(dirty), pair => Assert.Equal(Bytes(pair.First), Bytes(pair.Second)));

        static byte[] Bytes(Tensor tensor) => tensor.contiguous().bytes.ToArray();
    }

    // A worker has none where a batch has fewer than there are workers.
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void NoImagesHaveAGradientOfZeros(int side)
    {
        const int Channels = 16, Filters = 32;
        var shape = new WinogradShape(0, 8, 8, Channels, Filters);
        var kernels = WinogradKernels.For(bfloat16: false, side);
        var (gradient, room) = (new float[Filters * 9 * Channels], new float[kernels.RoomFor(shape)]);
        Array.Fill(gradient, float.NaN);
        Array.Fill(room, float.NaN);
        fixed (float* target = gradient, scratch = room)
        {
            kernels.FiltersGradient(null, null, target, shape, scratch);
        }

        Assert.All(gradient, value => Assert.Equal(0, value));
    }

    private static double Difference(Tensor expected, Tensor actual)
    {
        using var scope = NewDisposeScope();
        var right = expected.to(ScalarType.Float32);
        return (actual.to(ScalarType.Float32) - right).norm().item<float>() / right.norm().item<float>();
    }

    /// <summary>Images, filters and gradients of the result at random, and what Torch makes of them in float32.</summary>
    private sealed class Problem
    {
        private readonly WinogradShape _shape;
        private readonly ScalarType _type;
        private readonly Tensor _x, _w, _g; // channels-last

        public Problem(WinogradShape shape, bool bfloat16)
        {
            (_shape, _type) = (shape, bfloat16 ? ScalarType.BFloat16 : ScalarType.Float32);
            var generator = new Generator(1);
            _x = Random(shape.Images, shape.Height, shape.Width, shape.Channels).to(_type);
            _w = Random(shape.Filters, 3, 3, shape.Channels);
            _g = Random(shape.Images, shape.Height, shape.Width, shape.Filters).to(_type);

            var (x, w) = (ChannelsFirst(_x).requires_grad_(), ChannelsFirst(_w).requires_grad_());
            var y = F.conv2d(x, w, null, [1L, 1L], [1L, 1L]);
            y.backward([ChannelsFirst(_g)]);
            Expected = [y.detach(), x.grad!, w.grad!];

            Tensor Random(params long[] sizes) => rand(sizes, generator: generator).sub_(0.5);

            static Tensor ChannelsFirst(Tensor tensor) => tensor.to(ScalarType.Float32).permute(0, 3, 1, 2).detach();
        }

        /// <summary>Gets the result, and the gradients of images and filters.</summary>
        public Tensor[] Expected { get; }

        /// <summary>Computes the same.</summary>
        public Tensor[] Compute(WinogradKernels kernels, float room = 0)
        {
            var (channels, filters) = (_shape.Channels, _shape.Filters);
            var u = new float[2 * kernels.FilterFloats(channels, filters)];
            var space = new float[kernels.RoomFor(_shape)];
            Array.Fill(space, room);
            var (y, ofX, ofW) = (empty_like(_g), empty_like(_x), empty_like(_w, dtype: _type));
            fixed (float* transformed = u, scratch = space)
            {
                var turned = transformed + u.Length / 2;
                kernels.TransformFilters((float*)Data(_w), channels, filters, 0, filters, transformed);
                kernels.TransformTurnedFilters((float*)Data(_w), channels, filters, 0, filters, turned);
                kernels.Convolve(Data(_x), transformed, Data(y), _shape, scratch);
                kernels.Convolve(Data(_g), turned, Data(ofX), _shape.Turned, scratch);
                kernels.FiltersGradient(Data(_x), Data(_g), Data(ofW), _shape, scratch);
            }

            return [.. new[] { y, ofX, ofW }.Select(tensor => tensor.permute(0, 3, 1, 2))];
        }

        private static void* Data(Tensor tensor)
        {
            fixed (byte* data = MemoryMarshal.AsBytes(tensor.bytes))
            {
                return data; // of native memory, which does not move
            }
        }
    }
}
