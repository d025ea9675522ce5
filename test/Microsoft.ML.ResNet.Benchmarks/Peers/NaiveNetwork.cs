using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Benchmarks.Peers;

/// <summary>A residual network as a tree of modules, the way that examples write it.</summary>
internal sealed class NaiveNetwork : Module<Tensor, Tensor>
{
    private readonly Sequential _stem;
    private readonly Sequential _blocks;
    private readonly Linear _head;

    public NaiveNetwork(LayerPlan plan) : base(plan.Architecture.Name)
    {
        var (architecture, width) = (plan.Architecture, plan.Architecture.BaseWidth);
        _stem = architecture.Stem == StemKind.SmallImage
            ? Sequential(Conv2d(3, width, 3, padding: 1, bias: false), BatchNorm2d(width), ReLU(inplace: true))
            : Sequential(
                Conv2d(3, width, 7, stride: 2, padding: 3, bias: false),
                BatchNorm2d(width),
                ReLU(inplace: true),
                MaxPool2d(3, stride: 2, padding: 1));
        List<(string, Module<Tensor, Tensor>)> blocks = [];
        var input = width;
        for (var stage = 0; stage < architecture.Depths.Length; stage++)
        {
            for (var block = 0; block < architecture.Depths[stage]; block++)
            {
                var next = new Block(architecture, input, width << stage, stride: stage > 0 && block == 0 ? 2 : 1);
                blocks.Add(($"{stage}_{block}", next));
                input = next.Output;
            }
        }

        _blocks = Sequential(blocks);
        _head = Linear(input, plan.ClassCount);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => _head.call(_blocks.call(_stem.call(x)).mean([2, 3]));

    private sealed class Block : Module<Tensor, Tensor>
    {
        private readonly Sequential _residual;
        private readonly Module<Tensor, Tensor>? _shortcut;
        private readonly int _newChannels;

        public Block(ResNetArchitecture architecture, int input, int width, int stride) : base("block")
        {
            var bottleneck = architecture.Block == BlockKind.Bottleneck;
            Output = bottleneck ? 4 * width : width;
            _residual = bottleneck
                ? Sequential(
                    Conv2d(input, width, 1, bias: false), BatchNorm2d(width), ReLU(inplace: true),
                    Conv2d(width, width, 3, stride: stride, padding: 1, bias: false), BatchNorm2d(width), ReLU(inplace: true),
                    Conv2d(width, Output, 1, bias: false), BatchNorm2d(Output))
                : Sequential(
                    Conv2d(input, width, 3, stride: stride, padding: 1, bias: false), BatchNorm2d(width), ReLU(inplace: true),
                    Conv2d(width, width, 3, padding: 1, bias: false), BatchNorm2d(width));
            _newChannels = Output - input;
            _shortcut = architecture.Shortcut == ShortcutKind.B && (stride != 1 || input != Output)
                ? Sequential(Conv2d(input, Output, 1, stride: stride, bias: false), BatchNorm2d(Output))
                : null;
            RegisterComponents();
        }

        public int Output { get; }

        public override Tensor forward(Tensor x) => _residual.call(x).add(Shortcut(x)).relu();

        private Tensor Shortcut(Tensor x) => _shortcut is not null ? _shortcut.call(x)
            : _newChannels == 0 ? x
            : functional.pad(
                x[TensorIndex.Colon, TensorIndex.Colon, TensorIndex.Slice(null, null, 2), TensorIndex.Slice(null, null, 2)],
                [0, 0, 0, 0, _newChannels / 2, _newChannels - _newChannels / 2]);
    }
}
