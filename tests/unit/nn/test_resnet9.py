import pytest
import torch
from torch import Tensor
from torch.nn import functional

from deepfit.nn.nets.resnet9 import ResNet9


def reference(state: dict[str, Tensor], x: Tensor, groups: int) -> Tensor:
    """The forward pass from the weights alone, with running statistics."""

    def norm(x: Tensor, name: str) -> Tensor:
        scale = state[f"{name}.weight"] / (state[f"{name}.running_var"] + 1e-5).sqrt()
        shift = state[f"{name}.bias"] - state[f"{name}.running_mean"] * scale
        return (x * scale[:, None, None] + shift[:, None, None]).clamp(min=0)

    def conv(x: Tensor, name: str) -> Tensor:
        return functional.conv2d(functional.pad(x, (1, 1, 1, 1)), state[f"{name}.weight"])

    x = (conv(x, "stem") + state["stem.bias"][:, None, None]).clamp(min=0)
    for group in range(groups):
        name = f"groups.{group}"
        x = conv(x, f"{name}.conv")
        x = functional.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2), value=-torch.inf)
        x = x.unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5))
        x = norm(x, f"{name}.norm")
        y = norm(conv(x, f"{name}.conv1"), f"{name}.norm1")
        x = x + norm(conv(y, f"{name}.conv2"), f"{name}.norm2")
    return x.flatten(2).mean(2) @ state["head.weight"].T + state["head.bias"]


@pytest.mark.parametrize(
    ("channels", "size", "widths"), [(1, (28, 28), (4, 6, 8)), (3, (33, 18), (4, 6, 8, 10))]
)
def test_the_forward_pass_equals_one_written_from_the_weights_alone(channels, size, widths):
    torch.manual_seed(0)
    net = ResNet9(num_classes=5, in_channels=channels, widths=widths, stem=3).double()
    for _ in range(3):
        net(torch.randn(8, channels, *size, dtype=torch.float64) * 2 + 1)
    net.eval()
    x_BCHW = torch.randn(2, channels, *size, dtype=torch.float64)
    with torch.inference_mode():
        torch.testing.assert_close(net(x_BCHW), reference(net.state_dict(), x_BCHW, len(widths)))


def test_every_parameter_gets_a_gradient():
    torch.manual_seed(0)
    net = ResNet9(num_classes=5)
    net(torch.randn(4, 1, 28, 28)).square().sum().backward()
    silent = [
        name for name, value in net.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0
    ]
    assert silent == []


def test_one_batch_of_random_labels_is_learned_by_heart():
    torch.manual_seed(0)
    net = ResNet9(num_classes=4, widths=(8, 16, 32))
    x_BCHW, labels_B = torch.randn(32, 1, 16, 16), torch.arange(32) % 4
    optimizer = torch.optim.AdamW(net.parameters(), 1e-2)
    for _ in range(40):
        loss = functional.cross_entropy(net(x_BCHW), labels_B)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.05
    assert torch.equal(net(x_BCHW).argmax(1), labels_B)


def test_the_layout_of_the_pictures_changes_no_answer():
    torch.manual_seed(0)
    net = ResNet9(num_classes=5, in_channels=3).eval()
    x_BCHW = torch.randn(2, 3, 20, 24)
    with torch.inference_mode():
        last = net.to(memory_format=torch.channels_last)(x_BCHW.to(memory_format=torch.channels_last))
        torch.testing.assert_close(
            last, net.to(memory_format=torch.contiguous_format)(x_BCHW), atol=1e-5, rtol=1e-5
        )


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (64, 48)])
def test_an_answer_does_not_depend_on_the_pictures_beside_it(size):
    torch.manual_seed(0)
    net = ResNet9(num_classes=5).eval()
    x_BCHW = torch.randn(3, 1, *size)
    with torch.inference_mode():
        torch.testing.assert_close(net(x_BCHW)[1:2], net(x_BCHW[1:2]), atol=1e-5, rtol=1e-5)
