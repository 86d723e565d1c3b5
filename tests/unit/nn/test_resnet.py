import pytest
import torch
from torch import Tensor
from torch.nn import functional

from deepfit.nn.nets.resnet import DEPTHS, resnet

PUBLISHED_PARAMETERS = {18: 11_689_512, 34: 21_797_672, 50: 25_557_032, 101: 44_549_160, 152: 60_192_808}


def published_shapes(layers: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the usual ImageNet weights, written down from table 1."""
    bottleneck = layers >= 50
    shapes = {"conv1.weight": (64, 3, 7, 7), "bn1.weight": (64,), "bn1.bias": (64,)}
    width = 64
    for stage, repeats in enumerate(DEPTHS[layers]):
        inner = 64 * 2**stage
        outer = 4 * inner if bottleneck else inner
        for block in range(repeats):
            name = f"layer{stage + 1}.{block}"
            if bottleneck:
                kernels = [(inner, width, 1, 1), (inner, inner, 3, 3), (outer, inner, 1, 1)]
            else:
                kernels = [(inner, width, 3, 3), (inner, inner, 3, 3)]
            for index, kernel in enumerate(kernels, start=1):
                shapes[f"{name}.conv{index}.weight"] = kernel
                shapes[f"{name}.bn{index}.weight"] = shapes[f"{name}.bn{index}.bias"] = kernel[:1]
            if block == 0 and (stage > 0 or bottleneck):
                shapes[f"{name}.downsample.0.weight"] = (outer, width, 1, 1)
                shapes[f"{name}.downsample.1.weight"] = shapes[f"{name}.downsample.1.bias"] = (outer,)
            width = outer
    return shapes | {"fc.weight": (1000, width), "fc.bias": (1000,)}


def reference(state: dict[str, Tensor], x: Tensor, layers: int, *, small: bool) -> Tensor:
    """The forward pass from the weights alone, with running statistics."""

    def norm(x: Tensor, name: str) -> Tensor:
        mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        scale = state[f"{name}.weight"] / (variance + 1e-5).sqrt()
        return x * scale[:, None, None] + (state[f"{name}.bias"] - mean * scale)[:, None, None]

    def conv(x: Tensor, name: str, stride: int = 1) -> Tensor:
        weight = state[f"{name}.weight"]
        return functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)

    x = norm(conv(x, "conv1", 1 if small else 2), "bn1").clamp(min=0)
    if not small:
        x = functional.max_pool2d(functional.pad(x, (1, 1, 1, 1), value=-torch.inf), 3, 2)
    for stage, repeats in enumerate(DEPTHS[layers], start=1):
        for block in range(repeats):
            name, stride = f"layer{stage}.{block}", 2 if block == 0 and stage > 1 else 1
            y, parts = x, 3 if layers >= 50 else 2
            for part in range(1, parts + 1):
                strides_here = part == (2 if layers >= 50 else 1)
                y = norm(conv(y, f"{name}.conv{part}", stride if strides_here else 1), f"{name}.bn{part}")
                y = y.clamp(min=0) if part < parts else y
            if f"{name}.downsample.0.weight" in state:
                x = norm(conv(x, f"{name}.downsample.0", stride), f"{name}.downsample.1")
            x = (x + y).clamp(min=0)
    return x.mean((2, 3)) @ state["fc.weight"].T + state["fc.bias"]


def shake(net: torch.nn.Module) -> None:
    """Statistics and norms as after training, so that every layer matters."""
    generator = torch.Generator().manual_seed(0)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for value, low, high in [
                (module.weight, 0.3, 0.6),
                (module.bias, -0.2, 0.2),
                (module.running_mean, -0.2, 0.2),
                (module.running_var, 0.5, 2.0),
            ]:
                value.data.uniform_(low, high, generator=generator)


@pytest.mark.parametrize("layers", DEPTHS)
def test_names_shapes_and_number_of_parameters_are_the_published_ones(layers):
    with torch.device("meta"):
        net = resnet(layers, num_classes=1000)
    assert {name: tuple(value.shape) for name, value in net.named_parameters()} == published_shapes(layers)
    assert sum(value.numel() for value in net.parameters()) == PUBLISHED_PARAMETERS[layers]


@pytest.mark.parametrize(
    ("layers", "small", "channels"), [(18, False, 3), (18, True, 1), (50, False, 3), (50, True, 4)]
)
def test_the_forward_pass_equals_one_written_from_the_weights_alone(layers, small, channels):
    torch.manual_seed(0)
    net = resnet(layers, num_classes=5, in_channels=channels, small=small).double().eval()
    shake(net)
    x_BCHW = torch.randn(2, channels, 45, 38, dtype=torch.float64)
    with torch.inference_mode():
        torch.testing.assert_close(net(x_BCHW), reference(net.state_dict(), x_BCHW, layers, small=small))


@pytest.mark.parametrize("layers", [18, 50])
def test_every_parameter_gets_a_gradient(layers):
    torch.manual_seed(0)
    net = resnet(layers, num_classes=5)
    shake(net)
    net(torch.randn(2, 3, 64, 64)).square().sum().backward()
    silent = [
        name for name, value in net.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0
    ]
    assert silent == []


@pytest.mark.parametrize("layers", [18, 50])
def test_a_fresh_block_passes_on_what_it_gets(layers):
    torch.manual_seed(0)
    net = resnet(layers, num_classes=2)
    x_BCHW = torch.rand(2, net.layer1[1].conv1.in_channels, 6, 6)
    assert torch.equal(net.layer1[1](x_BCHW), x_BCHW)


def test_an_unknown_number_of_layers_is_a_key_error():
    with pytest.raises(KeyError):
        resnet(20, num_classes=2)
