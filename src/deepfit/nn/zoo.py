"""Every network by its name, at sizes that show what it is: built, with an example of what it reads.

The names are those of `deepfit.vocabulary`: the networks, and the published shapes of some of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

import torch
from torch import Tensor, nn

from deepfit.errors import OptionError
from deepfit.vocabulary import NETWORKS, PRESETS

CATEGORIES = 8
"""Values of each category of an example table."""
VOCABULARY = 30_522
"""Tokens that an encoder without a published shape knows: those of BERT."""


@dataclass(frozen=True)
class Example:
    """A network, and how to try it.

    size: of what it reads, as `--input` says it. inputs: so many examples, made at random -> what `forward`
    takes. answer: all that the network can say of them, where `forward` leaves a part of it out.
    """

    net: nn.Module
    size: tuple[int, ...]
    outputs: int | None
    inputs: Callable[[int], tuple[Tensor, ...]]
    answer: Callable[..., Tensor]


def example(name: str, size: Sequence[int] | None = None, outputs: int | None = None) -> Example:
    """Build the network of this name for what it reads; OptionError for a size that does not fit it.

    size: pictures CHANNELS, HEIGHT, WIDTH; series STEPS, FEATURES; a table NUMBERS, CATEGORIES (columns);
    tokens LENGTH. outputs: classes or other numbers that it gives. Both as usual for the network where not
    said. Built on the device of the context, so `with torch.device("meta")` makes even a large one at once.
    """
    network = PRESETS[name].network if name in PRESETS else name
    use = NETWORKS[network].use
    small = SMALL if network in ("lenet", "resnet9") else LARGE
    size = tuple(size) if size is not None else small.get(use) or LARGE[use]
    words = WORDS[use]
    if len(size) != len(words) or min(size) < (0 if use == "table" else 1) or not sum(size):
        raise OptionError(
            f"--input for {name}: write {'x'.join(words)}, such as {'x'.join(map(str, LARGE[use]))};"
            f" received {'x'.join(map(str, size))}."
        )
    if use == "tokens" and outputs is not None:
        raise OptionError(f"--classes has no effect on {name}: it gives vectors or logits for each token.")
    if outputs is None and use != "tokens":
        outputs = (
            1
            if use in ("table", "series")
            else 1000
            if network.startswith("resnet") and network != "resnet9"
            else 10
        )
    builder = {"table": _table, "pictures": _pictures, "series": _series, "tokens": _tokens}[use]
    net = builder(network, name, size, outputs)
    return Example(net, size, outputs, INPUTS[use](size, net), _answer(net))


WORDS = {
    "table": ("NUMBERS", "CATEGORIES"),
    "pictures": ("CHANNELS", "HEIGHT", "WIDTH"),
    "series": ("STEPS", "FEATURES"),
    "tokens": ("LENGTH",),
}
LARGE: dict[str, tuple[int, ...]] = {
    "table": (10, 2),
    "pictures": (3, 224, 224),
    "series": (96, 8),
    "tokens": (128,),
}
SMALL: dict[str, tuple[int, ...]] = {"pictures": (1, 28, 28)}


def _table(network: str, name: str, size: tuple[int, ...], outputs: int) -> nn.Module:
    from deepfit.nn.nets import mlp, realmlp, tabm

    numbers, categories = size
    sizes = [1 + CATEGORIES] * categories
    if network == "tabm":
        edges = [[step / 16 for step in range(17)]] * numbers
        return tabm.TabM(edges, sizes, outputs)
    kind = {"mlp": mlp.MLP, "realmlp": realmlp.RealMLP}[network]
    return kind(numbers, sizes, outputs)


def _pictures(network: str, name: str, size: tuple[int, ...], outputs: int) -> nn.Module:
    channels, height, width = size
    if network == "lenet":
        from deepfit.nn.nets.lenet import LeNet

        return LeNet(num_classes=outputs, in_channels=channels, size=(height, width))
    if network == "resnet9":
        from deepfit.nn.nets.resnet9 import ResNet9

        return ResNet9(num_classes=outputs, in_channels=channels)
    from deepfit.nn.nets.resnet import resnet

    return resnet(int(network.removeprefix("resnet")), num_classes=outputs, in_channels=channels)


def _series(network: str, name: str, size: tuple[int, ...], outputs: int) -> nn.Module:
    if network == "tide":
        return Ahead(size, outputs)
    module = import_module(f"deepfit.nn.nets.{network}")
    kinds = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU", "temporal_cnn": "TemporalCNN", "danq": "DanQ"}
    kind = kinds[network]
    width = {"temporal_cnn": 64, "danq": 32}.get(network, 128)
    return LastStep(getattr(module, kind)(size[1]), width, outputs)


class Ahead(nn.Module):
    """TiDE on a series whose first column is to be forecast, one step ahead: BTF -> BO."""

    def __init__(self, size: tuple[int, ...], outputs: int) -> None:
        from deepfit.nn.nets.tide import TiDE

        super().__init__()
        steps, features = size
        self.body = TiDE(steps, 1, 1 + features, 0, outputs)

    def forward(self, x_BTF: Tensor) -> Tensor:
        """BTF -> BO."""
        past_BTF = torch.cat([x_BTF[..., :1], torch.ones_like(x_BTF[..., :1]), x_BTF[..., 1:]], 2)
        return self.body(past_BTF, x_BTF.new_zeros(len(x_BTF), 1, 0))[:, 0]


class LastStep(nn.Module):
    """A network over a series, and a linear layer that reads what it says at the last step: BTF -> BO."""

    def __init__(self, body: nn.Module, width: int, outputs: int) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(width, outputs)

    def forward(self, x_BTF: Tensor) -> Tensor:
        """BTF -> BO."""
        said = self.body(x_BTF)  # recurrent networks give their state, too
        return self.head((said[0] if isinstance(said, tuple) else said)[:, -1])


def _tokens(network: str, name: str, size: tuple[int, ...], outputs: None) -> nn.Module:
    from deepfit.nn.nets import transformer_decoder, transformer_encoder, word_average

    if network == "word_average":
        return word_average.WordAverage(VOCABULARY)
    if network == "transformer_encoder":
        shape: dict[str, Any] = transformer_encoder.PRESETS.get(name, {"vocab_size": VOCABULARY})
        net: nn.Module = transformer_encoder.TransformerEncoder(**shape)
    else:
        shape = transformer_decoder.PRESETS.get(name, transformer_decoder.PRESETS["gpt2"])
        net = transformer_decoder.TransformerDecoder(**shape)
    if size[0] > net.longest:
        raise OptionError(f"--input {size[0]}: {name} reads {net.longest} tokens at most.")
    return net


def _answer(net: nn.Module) -> Callable[..., Tensor]:
    """Forward, and with an encoder that has one its pooled vector."""
    pool = getattr(net, "pool", None)
    if pool is None or getattr(net, "pooler", None) is None:
        return net
    return lambda *inputs: pool(net(*inputs))


Inputs = Callable[[int], tuple[Tensor, ...]]


def _columns(size: tuple[int, ...], net: nn.Module) -> Inputs:
    return lambda rows: (torch.randn(rows, size[0]), torch.randint(0, 1 + CATEGORIES, (rows, size[1])))


def _numbers(size: tuple[int, ...], net: nn.Module) -> Inputs:
    return lambda rows: (torch.randn(rows, *size),)


def _texts(size: tuple[int, ...], net: nn.Module) -> Inputs:
    known = cast(nn.Embedding, net.tokens).num_embeddings
    return lambda rows: (torch.randint(0, known, (rows, *size)),)


INPUTS = {"table": _columns, "pictures": _numbers, "series": _numbers, "tokens": _texts}
