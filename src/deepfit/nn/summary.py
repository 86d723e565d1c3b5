"""What a network is made of: its layers with their output shapes, parameters and multiply-adds.

The network runs once on the meta device, where tensors have shapes and no numbers, so a large one takes no
memory and hardly any time. It knows nothing of being watched.

Counted are the multiply-adds of convolutions, linear and recurrent layers, attention and every other product
of matrices, for one example. Not counted: norms, activations, pooling, additions. Two of PyTorch's floating
point operations (`torch.utils.flop_counter`) are one multiply-add.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

BATCH = 7919
"""Examples in the batch that runs: a prime that is no one's width, so that it is known again in a shape."""

WRITTEN = ".parametrizations"
"""In the names of modules that only say how another's weights are written, as weight norm does."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """A module with parameters or work of its own.

    output: the shape of what it gives for one example, None where it is never called, only its weights are
    read. parameters, multiply_adds: its own, without those of the layers inside it.
    """

    name: str
    kind: str
    output: Shape | None
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Block:
    """A step of the drawing: a layer, or layers that belong together, `repeats` times in a row.

    parameters, multiply_adds: of all repeats and of all that is inside. residual: what goes in is added to
    what comes out. first: it reads what the network reads, or is only read itself. inside: the steps of one
    repeat.
    """

    name: str
    kind: str
    output: Shape | None
    parameters: int
    multiply_adds: int
    repeats: int = 1
    residual: bool = False
    first: bool = False
    inside: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Summary:
    """All of a network, for one example."""

    output: Shape
    parameters: int
    multiply_adds: int
    layers: tuple[Layer, ...]
    blocks: tuple[Block, ...]


def summarise(
    net: nn.Module,
    inputs: Sequence[Tensor],
    *,
    answer: Callable[..., Tensor] | None = None,
) -> Summary:
    """Layers and blocks of a network, in the order in which they are first used.

    net: on any device, left as it was; best built under `torch.device("meta")`. inputs: what `forward` takes,
    BATCH examples each, on the meta device. answer: called in place of the network where `forward` is not
    all; the network is then on the meta device.
    """
    watched = _watch(net, inputs, answer)
    names = [name for name, _ in net.named_modules() if name and WRITTEN not in name]
    order = sorted(names, key=watched.place)
    own = _own_parameters(net)
    layers = []
    for name in [*order, ""]:
        module = net.get_submodule(name)
        work = watched.own_work(name)
        leaf = all(f".{each}" == WRITTEN for each, _ in module.named_children())
        shown = leaf and name in watched.outputs and not isinstance(module, nn.Identity)
        if name and (shown or own[name] or work):
            layers.append(Layer(name, describe(module), watched.outputs.get(name), own[name], work))
        elif not name and (own[name] or work):
            layers.append(Layer("(network)", type(module).__name__, watched.outputs.get(""), own[name], work))
    return Summary(
        watched.outputs[""],
        sum(own.values()),
        watched.work[""],
        tuple(layers),
        _blocks(net, "", order, own, watched) + _last(net, own[""], watched),
    )


def _last(net: nn.Module, parameters: int, watched: _Watched) -> tuple[Block, ...]:
    """The products that the network makes itself, outside of its layers: most often its logits."""
    work = watched.own_work("")
    kind = "product with weights of the network"
    return (Block("output", kind, watched.outputs[""], parameters, work),) if work else ()


def describe(module: nn.Module) -> str:
    """A module in a few words: its class, and what its shapes do not say."""
    kind = type(module).__name__.removeprefix("Parametrized")
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return f"{kind} {_by(module.kernel_size)}{_unless(module, stride=1, dilation=1, groups=1)}"
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        size = module.kernel_size
        return f"{kind} {_by(size if isinstance(size, tuple) else (size, size))}{_unless(module, stride=1)}"
    if isinstance(module, nn.RNNBase):
        return f"{kind}{_unless(module, num_layers=1)}{', both directions' if module.bidirectional else ''}"
    return kind


def _unless(module: nn.Module, **usual: int) -> str:
    """Attributes that are not as usual: ", stride 2, groups 4"."""
    said = []
    for name, value in usual.items():
        found = getattr(module, name)
        numbers = set(found) if isinstance(found, tuple) else {found}
        if numbers != {value}:
            shown = found if isinstance(found, int) else numbers.pop() if len(numbers) == 1 else _by(found)
            said.append(f", {name.removeprefix('num_')} {shown}")
    return "".join(said)


def _by(sizes: Sequence[int | str]) -> str:
    return "x".join(map(str, sizes))


class _Watched:
    """What was seen while the network ran: by the name of a module, "" for the network itself."""

    def __init__(self) -> None:
        self.outputs: dict[str, Shape] = {}
        self.work: Counter[str] = Counter()  # multiply-adds, with those of the modules inside
        self.calls: dict[str, int] = {}  # the place of the first call
        self.first: set[str] = set()
        self.residual: set[str] = set()

    def place(self, name: str) -> tuple[int, int]:
        """Where a module stands: at its first call, or at the first of those inside it, else in front."""
        inside = [place for called, place in self.calls.items() if called == name or _within(called, name)]
        depth = name.count(".")
        return (min(inside, default=-1), depth)

    def own_work(self, name: str) -> int:
        """Multiply-adds of a module without those of the modules inside it."""
        if name not in self.outputs:
            return 0
        called = [each for each in self.outputs if _within(each, name) and WRITTEN not in each]
        nearest = [each for each in called if not any(_within(each, other) for other in called)]
        return self.work[name] - sum(self.work[each] for each in nearest)


class _Additions(TorchDispatchMode):
    """Notes in which module two tensors of a batch are added: there is a way around some of its layers."""

    def __init__(self, stack: list[str], watched: _Watched) -> None:
        super().__init__()
        self.stack, self.watched = stack, watched

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        packet = getattr(func, "overloadpacket", None)
        if packet in (torch.ops.aten.add, torch.ops.aten.add_) and self.stack:
            shapes = [tuple(each.shape) for each in args[:2] if isinstance(each, Tensor)]
            if len(shapes) == 2 and shapes[0] == shapes[1] and BATCH in shapes[0]:
                self.watched.residual.add(self.stack[-1])
        return func(*args, **(kwargs or {}))


def _watch(net: nn.Module, inputs: Sequence[Tensor], answer: Callable[..., Tensor] | None) -> _Watched:
    """Run a copy of the network on the meta device and note what happens."""
    import copy

    watched, stack = _Watched(), []
    meta = net if all(each.is_meta for each in [*net.parameters(), *net.buffers()]) else None
    net = meta or copy.deepcopy(net).to("meta")
    was_training = net.training
    net.eval()

    def before(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, given: tuple[Any, ...]) -> None:
            watched.calls.setdefault(name, len(watched.calls))
            read = next((each for each in given if isinstance(each, Tensor)), None)
            if read is not None and (any(read is each for each in inputs) or not read.is_floating_point()):
                watched.first.add(name)
            stack.append(name)

        return hook

    def after(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, given: Any, output: Any) -> None:
            stack.pop()
            found = _first_tensor(output)
            if found is not None:
                watched.outputs.setdefault(name, of_one(found.shape))

        return hook

    hooks = []
    for name, module in net.named_modules():
        hooks += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
    try:
        with torch.no_grad(), _Additions(stack, watched), FlopCounterMode(display=False) as counter:
            output = (answer or net)(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
        net.train(was_training)
    watched.outputs[""] = of_one(output.shape)
    root = type(net).__name__
    for name, counts in counter.get_flop_counts().items():
        if name == "Global":
            watched.work[""] = sum(counts.values()) // (2 * BATCH)
        elif name.startswith(f"{root}."):
            watched.work[name.removeprefix(f"{root}.")] = sum(counts.values()) // (2 * BATCH)
    return watched


def of_one(shape: Sequence[int]) -> Shape:
    """The shape of one example out of BATCH: [7919, 64, 56] -> (64, 56); (1,) where nothing is left."""
    return tuple(
        size // BATCH if size % BATCH == 0 and size else size for size in shape if size != BATCH
    ) or (1,)


def _first_tensor(value: Any) -> Tensor | None:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, tuple | list):
        return next((found for each in value if (found := _first_tensor(each)) is not None), None)
    return None


def _own_parameters(net: nn.Module) -> Counter[str]:
    """Parameters of each module itself, one that several modules share at the first of them."""
    seen: set[int] = set()
    own: Counter[str] = Counter()
    for name, module in net.named_modules():
        for parameter in module.parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                own[name.partition(WRITTEN)[0]] += parameter.numel()
    return own


def _within(name: str, outer: str) -> bool:
    return name != outer and (not outer or name.startswith(f"{outer}."))


def _blocks(
    net: nn.Module, outer: str, order: Sequence[str], own: Counter[str], watched: _Watched
) -> tuple[Block, ...]:
    """The steps inside a module; containers count as what they hold, equal neighbours as one."""
    found: list[Block] = []
    for name in order:
        if not _within(name, outer) or "." in name[len(outer) + 1 if outer else 0 :]:
            continue
        module = net.get_submodule(name)
        if isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict):
            steps = _blocks(net, name, order, own, watched)
        elif isinstance(module, nn.Identity | nn.ParameterList | nn.ParameterDict):
            steps = ()
        else:
            inside = _blocks(net, name, order, own, watched)
            parameters = sum(own[each] for each in own if each == name or _within(each, name))
            steps = (
                Block(
                    name,
                    describe(module),
                    watched.outputs.get(name),
                    parameters,
                    watched.work[name],
                    residual=bool(inside) and name in watched.residual,
                    first=name in watched.first or name not in watched.outputs,
                    inside=inside,
                ),
            )
            if name not in watched.outputs and not parameters:
                steps = ()
        for step in steps:
            if found and _alike(found[-1], step):
                found[-1] = _together(found[-1], step)
            else:
                found.append(step)
    return tuple(found)


def _alike(one: Block, other: Block) -> bool:
    """Whether two neighbours are drawn as one: the same kind and output, and, of single layers, one size."""
    same = (one.kind, one.output, one.first) == (other.kind, other.output, other.first)
    return same and not one.first and bool(one.inside or one.parameters == other.parameters * one.repeats)


def _together(one: Block, other: Block) -> Block:
    return Block(
        one.name,
        one.kind,
        one.output,
        one.parameters + other.parameters,
        one.multiply_adds + other.multiply_adds,
        one.repeats + other.repeats,
        one.residual or other.residual,
        one.first,
        other.inside,
    )
