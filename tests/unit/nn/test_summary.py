"""Counts against published numbers, formulas worked by hand, and PyTorch's counter on real forward passes."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from deepfit.errors import OptionError
from deepfit.nn import zoo
from deepfit.nn.summary import BATCH, summarise
from deepfit.vocabulary import NETWORKS, PRESETS


def summary_of(name, size=None, outputs=None):
    with torch.device("meta"):
        example = zoo.example(name, size, outputs)
        return summarise(example.net, example.inputs(BATCH), answer=example.answer)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("resnet101", 44_549_160),
        ("resnet152", 60_192_808),
        ("lenet", 61_706),
        ("bert-base", 109_482_240),
        ("roberta-base", 124_645_632),
        ("distilbert-base", 66_362_880),
        ("minilm-l6", 22_713_216),
        ("gpt2", 124_439_808),
    ],
)
def test_parameters_are_as_many_as_published(name, parameters):
    assert summary_of(name).parameters == parameters


@pytest.mark.parametrize(
    ("name", "billions"),
    [("resnet18", 1.81), ("resnet34", 3.66), ("resnet50", 4.09), ("resnet101", 7.80), ("resnet152", 11.51)],
)
def test_multiply_adds_at_224_px_are_as_published(name, billions):
    assert round(summary_of(name).multiply_adds / 1e9, 2) == billions


def test_multiply_adds_of_gpt2_are_those_of_its_formula():
    steps, width, layers, vocabulary = 128, 768, 12, 50_257
    linear = 12 * width * width * steps
    attention = 2 * steps * steps * width
    assert summary_of("gpt2").multiply_adds == layers * (linear + attention) + steps * width * vocabulary


@pytest.mark.parametrize(("name", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_multiply_adds_of_a_recurrent_network_are_those_of_its_formula(name, gates):
    steps, features, width = 20, 5, 128
    assert (
        summary_of(name, (20, 5), 3).multiply_adds == steps * gates * width * (features + width) + width * 3
    )


class Small(nn.Module):
    """Convolutions of every sort, attention of two heads and a tied product."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2)
        self.body = nn.Sequential(nn.Conv2d(8, 8, 3, groups=4), nn.ReLU(), nn.ConvTranspose2d(8, 6, 2))
        self.wide = nn.Linear(6, 12)
        self.tied = nn.Parameter(torch.randn(5, 4))

    def forward(self, x):
        h = self.wide(self.body(self.stem(x)).flatten(2).transpose(1, 2))
        query, key, value = h.unflatten(2, (3, 4)).permute(2, 0, 1, 3)
        weights = (query @ key.transpose(1, 2)).softmax(2)
        return functional.linear(weights @ value, self.tied)


@pytest.mark.parametrize("name", ["small", "lenet", "resnet9", "mlp", "realmlp", "tabm", "temporal_cnn"])
def test_multiply_adds_are_half_of_the_operations_that_pytorch_counts_in_a_real_forward_pass(name):
    if name == "small":
        net = answer = Small()
        given = (torch.randn(2, 3, 17, 17),)
        with torch.device("meta"):
            summary = summarise(net, [torch.empty(BATCH, 3, 17, 17)])
    else:
        example = zoo.example(name)
        net, answer, given = example.net, example.answer, example.inputs(2)
        summary = summary_of(name)
    net.double().eval()  # the counter does not know the products of oneDNN, which take float32 alone
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        answer(*(each.double() if each.is_floating_point() else each for each in given))
    assert summary.multiply_adds == counter.get_total_flops() / 4
    assert summary.multiply_adds == sum(layer.multiply_adds for layer in summary.layers)


LARGE = ("resnet101", "resnet152", "transformer_encoder", "transformer_decoder")


@pytest.mark.parametrize(
    "name",
    [
        *(pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in NETWORKS),
        "minilm-l6",
    ],
)
def test_every_name_has_a_network_whose_every_parameter_gets_a_gradient(name):
    torch.manual_seed(0)
    size = (3, 32, 32) if name.startswith("resnet") and name != "resnet9" else None
    size = (7,) if name.startswith(("transformer", "minilm")) else size
    example = zoo.example(name, size)
    example.answer(*example.inputs(4)).square().sum().backward()
    assert [each for each, parameter in example.net.named_parameters() if parameter.grad is None] == []


def test_parameters_of_layers_and_of_blocks_add_up_to_the_total():
    for name in [*NETWORKS, *PRESETS]:
        summary = summary_of(name)
        assert sum(layer.parameters for layer in summary.layers) == summary.parameters, name
        assert sum(layer.multiply_adds for layer in summary.layers) == summary.multiply_adds, name
        assert sum(block.multiply_adds for block in summary.blocks) == summary.multiply_adds, name


def test_parameters_that_two_layers_share_count_once():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.other = nn.Linear(4, 4), nn.Linear(4, 4)
            self.other.weight = self.one.weight

        def forward(self, x):
            return self.other(self.one(x))

    with torch.device("meta"):
        summary = summarise(Tied(), [torch.empty(BATCH, 4)])
    assert summary.parameters == 16 + 4 + 4
    assert [layer.parameters for layer in summary.layers] == [20, 4]


def test_output_shapes_are_those_of_one_example_in_a_real_forward_pass():
    example = zoo.example("resnet9")
    shapes = {}
    for name, module in example.net.named_modules():
        module.register_forward_hook(
            lambda module, given, output, name=name: shapes.update({name: output.shape})
        )
    example.net(*example.inputs(1))
    with torch.device("meta"):
        summary = summarise(example.net, example.inputs(BATCH))
    assert {layer.name: layer.output for layer in summary.layers} == {
        layer.name: tuple(shapes[layer.name][1:]) for layer in summary.layers
    }


def test_equal_blocks_in_a_row_are_one_with_how_often_and_their_way_around_is_seen():
    blocks = summary_of("resnet50").blocks
    assert [block.repeats for block in blocks if block.kind == "Bottleneck"] == [3, 4, 6, 3]
    assert all(block.residual == (block.kind == "Bottleneck") for block in blocks)
    assert [block.repeats for block in summary_of("gpt2").blocks if block.residual] == [12]
    assert not any(block.residual for block in summary_of("mlp").blocks)


def test_a_network_is_left_as_it_was():
    net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1))
    before = [parameter.clone() for parameter in net.parameters()]
    with torch.device("meta"):
        summarise(net, [torch.empty(BATCH, 3)])
    assert net.training
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in net.modules())
    for parameter, old in zip(net.parameters(), before, strict=True):
        torch.testing.assert_close(parameter, old, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("name", "size", "outputs", "said"),
    [
        ("resnet50", (3, 224), None, "write CHANNELSxHEIGHTxWIDTH, such as 3x224x224; received 3x224"),
        ("lstm", (0, 8), None, "write STEPSxFEATURES"),
        ("mlp", (0, 0), None, "write NUMBERSxCATEGORIES"),
        ("gpt2", (5000,), None, "reads 1024 tokens at most"),
        ("bert-base", None, 5, "--classes has no effect on bert-base"),
    ],
)
def test_a_size_that_does_not_fit_is_refused_with_what_to_write(name, size, outputs, said):
    with torch.device("meta"), pytest.raises(OptionError, match=said.replace("(", r"\(")):
        zoo.example(name, size, outputs)


def test_the_published_shapes_of_the_vocabulary_are_those_of_the_networks():
    from deepfit.nn.nets import transformer_decoder, transformer_encoder

    built = {name: "transformer_encoder" for name in transformer_encoder.PRESETS}
    built |= {name: "transformer_decoder" for name in transformer_decoder.PRESETS}
    assert {name: preset.network for name, preset in PRESETS.items()} == built
