"""Optimizers by name: each equals an independent implementation, and decay spares what it should."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from deepfit.engine import packing
from deepfit.nn import optimizers
from deepfit.nn.nets.realmlp import RealMLP
from deepfit.nn.nets.resnet9 import ResNet9
from deepfit.nn.nets.tabm import TabM
from deepfit.nn.optimizers.muon import Muon, orthogonal
from deepfit.nn.optimizers.weights import hidden_matrices, matrices
from deepfit.vocabulary import OPTIMIZERS

STEPS = 7


def small_net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 1)
    ).double()


def learn(net, optimizer, steps=STEPS, rates=None):
    """The weights after some steps on rows that are always the same; rates: that of each step."""
    generator = torch.Generator().manual_seed(1)
    for step in range(steps):
        for group in optimizer.param_groups if rates else ():
            group["lr"] = rates[step]
        x = torch.randn(8, 3, dtype=torch.float64, generator=generator)
        optimizer.zero_grad()
        (net(x).squeeze(1) - x.sum(1)).square().mean().backward()
        optimizer.step()
    return [parameter.detach().clone() for parameter in net.parameters()]


def assert_same_course(name, theirs, **settings):
    net, other = small_net(), small_net()
    ours = learn(net, optimizers.build(name, net, learning_rate=0.1, **settings))
    for mine, yours in zip(ours, learn(other, theirs(other.parameters())), strict=True):
        torch.testing.assert_close(mine, yours)


def test_there_is_one_builder_for_each_name_of_the_vocabulary():
    assert list(optimizers.BUILDERS) == list(OPTIMIZERS)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("adam", lambda p: torch.optim.Adam(p, 0.1, foreach=False)),
        ("adamw", lambda p: torch.optim.AdamW(p, 0.1, weight_decay=0.0, foreach=False)),
        ("sgd", lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, foreach=False)),
        ("adagrad", lambda p: torch.optim.Adagrad(p, 0.1, foreach=False)),
        ("rmsprop", lambda p: torch.optim.RMSprop(p, 0.1, foreach=False)),
    ],
)
def test_several_steps_equal_pytorchs_plain_implementation(name, theirs):
    assert_same_course(name, theirs)


CLASSIC = {
    "sgd": lambda groups: torch.optim.SGD(groups, 0.1, momentum=0.9, nesterov=True, fused=True),
    "adagrad": lambda groups: torch.optim.Adagrad(groups, 0.1, fused=True),
    "rmsprop": lambda groups: torch.optim.RMSprop(groups, 0.1, foreach=True),
}
"""As PyTorch has them, in the form that `build` chooses."""


def decayed(net):
    """The parameters in the groups of `build`."""
    return [
        {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": 0.1},
        {"params": [p for p in net.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]


@pytest.mark.parametrize("name", CLASSIC)
def test_the_light_step_is_pytorchs_own_bit_for_bit(name):
    net, other = small_net(), small_net()
    ours = learn(net, optimizers.build(name, net, learning_rate=0.1, weight_decay=0.1))
    for mine, yours in zip(ours, learn(other, CLASSIC[name](decayed(other))), strict=True):
        assert torch.equal(mine, yours)


@pytest.mark.parametrize("saved_by", ["ours", "theirs"])
@pytest.mark.parametrize("name", CLASSIC)
def test_a_state_that_pytorchs_optimizer_or_ours_saved_goes_on_bit_for_bit(name, saved_by):
    build = lambda net: optimizers.build(name, net, learning_rate=0.1, weight_decay=0.1)  # noqa: E731
    straight, halted, resumed = small_net(), small_net(), small_net()
    whole = build(straight)
    learn(straight, whole, 3)
    wanted = learn(straight, whole, 3)
    first = build(halted) if saved_by == "ours" else CLASSIC[name](decayed(halted))
    learn(halted, first, 3)
    resumed.load_state_dict(halted.state_dict())
    second = build(resumed)
    second.load_state_dict(first.state_dict())
    for mine, straight_on in zip(learn(resumed, second, 3), wanted, strict=True):
        assert torch.equal(mine, straight_on)


TRAINING = """
import sys
import torch
from deepfit.learn.training import fit
from deepfit.nn import optimizers
from deepfit.options import resolve, Options

rows = {"x": torch.ones(8, 2).numpy(), "target": torch.ones(8).numpy()}
for name in optimizers.BUILDERS:
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
    options = resolve(Options, {"optimizer": name, "epochs": 2, "batch_size": 4})
    list(fit(net, rows, options, loss=lambda outputs, target: (outputs[:, 0] - target).square().sum()))
    optimizer = optimizers.build(name, net, learning_rate=0.1, weight_decay=0.1)
    optimizer.load_state_dict(optimizer.state_dict())
    print(name if "torch._dynamo" in sys.modules else "", end="")
"""


def test_training_imports_no_compiler_whatever_the_optimizer():
    done = subprocess.run([sys.executable, "-c", TRAINING], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_schedule_free_equals_its_authors_implementation_and_so_do_its_averaged_weights(decay):
    schedulefree = pytest.importorskip("schedulefree")
    net, other = small_net(), small_net()
    ours = optimizers.ScheduleFree(net.parameters(), 0.1, weight_decay=decay)
    theirs = schedulefree.AdamWScheduleFree(other.parameters(), 0.1, weight_decay=decay, foreach=False)
    theirs.train()
    rates = [0.02, 0.06, 0.1, 0.1, 0.1, 0.1, 0.1]  # with a warm-up, which counts less in the average
    for mine, yours in zip(learn(net, ours, rates=rates), learn(other, theirs, rates=rates), strict=True):
        torch.testing.assert_close(mine, yours)
    theirs.eval()
    with ours.applied():
        for mine, yours in zip(net.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(mine, yours)


def test_the_averaged_weights_of_schedule_free_come_and_go_without_a_trace():
    net = small_net().float()
    optimizer = optimizers.ScheduleFree(net.parameters(), 0.1)
    learn(net.double(), optimizer)
    before = [parameter.detach().clone() for parameter in net.parameters()]
    with optimizer.applied():
        assert not torch.equal(net[0].weight, before[0])
    assert all(torch.equal(mine, old) for mine, old in zip(net.parameters(), before, strict=True))


def test_schedule_free_that_has_not_stepped_changes_nothing():
    net = small_net()
    before = net[0].weight.detach().clone()
    optimizers.ScheduleFree(net.parameters(), 0.1).give()
    assert torch.equal(net[0].weight, before)


def lamb_in_numpy(weights, gradients_of, *, rate, decay, steps, beta1=0.9, beta2=0.999, eps=1e-6):
    """Algorithm 2 of arXiv 1904.00962, a matrix at a time."""
    mean, square = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    for t in range(1, steps + 1):
        for i, g in enumerate(gradients_of(weights)):
            mean[i] = beta1 * mean[i] + (1 - beta1) * g
            square[i] = beta2 * square[i] + (1 - beta2) * g**2
            ratio = (mean[i] / (1 - beta1**t)) / (np.sqrt(square[i] / (1 - beta2**t)) + eps)
            update = ratio + decay * weights[i]
            trust = np.linalg.norm(weights[i]) / np.linalg.norm(update)
            weights[i] = weights[i] - rate * trust * update
    return weights


def test_lamb_equals_a_transcription_of_the_paper():
    x = np.random.default_rng(0).normal(size=(20, 3))
    y = x @ np.array([[1.0], [2.0], [3.0]])

    def gradients_of(weights):
        first, second = weights
        error = (x @ first.T @ second.T - y) * 2 / len(x)
        return [(error @ second).T @ x, error.T @ (x @ first.T)]

    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Linear(4, 2, bias=False)).double()
    y = np.concatenate([y, -y], axis=1)
    begun = [parameter.detach().numpy().copy() for parameter in net.parameters()]
    optimizer = optimizers.build("lamb", net, learning_rate=0.05, weight_decay=0.1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        ((net(torch.from_numpy(x)) - torch.from_numpy(y)).square().sum() / len(x)).backward()
        optimizer.step()
    wanted = lamb_in_numpy(begun, gradients_of, rate=0.05, decay=0.1, steps=STEPS)
    for mine, theirs in zip(net.parameters(), wanted, strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), theirs, rtol=1e-9)


def test_lamb_gives_biases_and_norms_a_plain_step_of_adam():
    net, other = small_net(), small_net()
    learn(net, optimizers.build("lamb", net, learning_rate=0.1), steps=1)
    learn(other, torch.optim.Adam(other.parameters(), 0.1, eps=1e-6), steps=1)
    torch.testing.assert_close(net[0].bias, other[0].bias)
    torch.testing.assert_close(net[1].weight, other[1].weight)
    assert not torch.allclose(net[0].weight, other[0].weight)


def test_a_matrix_of_zeros_gets_lambs_step_at_full_length():
    net = nn.Linear(3, 2, bias=False).double()
    nn.init.zeros_(net.weight)
    net(torch.ones(4, 3, dtype=torch.float64)).sum().backward()
    optimizers.build("lamb", net, learning_rate=0.1).step()
    torch.testing.assert_close(
        net.weight.detach(), torch.full((2, 3), -0.1, dtype=torch.float64), rtol=1e-5, atol=0
    )


def test_muon_equals_pytorchs_muon_with_adamw_beside_it(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # PyTorch's would multiply in that type
    net, other = small_net(), small_net()
    ours = learn(net, optimizers.build("muon", net, learning_rate=0.02, weight_decay=0.1, momentum=0.95))
    hidden = [other[0].weight, other[2].weight]
    rest = [p for p in other.parameters() if all(p is not q for q in hidden)]
    muon = torch.optim.Muon(hidden, 0.02, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    decayed = [{"params": [p], "weight_decay": 0.1 if p.ndim > 1 else 0.0} for p in rest]
    adamw = torch.optim.AdamW(decayed, 0.02)

    class Both:
        param_groups: tuple = ()

        def zero_grad(self):
            other.zero_grad()

        def step(self):
            muon.step()
            adamw.step()

    for mine, yours in zip(ours, learn(other, Both()), strict=True):
        torch.testing.assert_close(mine, yours)


@pytest.mark.parametrize("shape", [(1, 4, 9), (3, 9, 4), (2, 6, 6)])
def test_the_singular_values_of_an_orthogonal_update_are_near_one_and_its_directions_are_kept(shape):
    update = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    lengths = torch.linalg.svdvals(orthogonal(update))
    assert lengths.min() > 0.5
    assert lengths.max() < 1.3
    u0, _, v0 = torch.linalg.svd(update, full_matrices=False)
    exact = u0 @ v0
    cosine = (orthogonal(update) * exact).sum((1, 2)) / (
        orthogonal(update).norm(dim=(1, 2)) * exact.norm(dim=(1, 2))
    )
    assert cosine.min() > 0.95


def test_a_zero_gradient_turns_to_no_step_and_not_to_nan():
    assert torch.equal(orthogonal(torch.zeros(2, 3, 4)), torch.zeros(2, 3, 4))


def test_each_member_of_a_network_of_several_is_made_orthogonal_by_itself():
    torch.manual_seed(0)
    together = nn.Parameter(torch.randn(3, 4, 5).double())
    alone = [nn.Parameter(each.detach().clone()) for each in together]
    gradient = torch.randn(3, 4, 5).double()
    gradient[1] *= 100  # another member's length must not matter
    together.grad = gradient.clone()
    for each, own in zip(alone, gradient, strict=True):
        each.grad = own.clone()
    Muon([together], 0.1).step()
    Muon(alone, 0.1).step()
    torch.testing.assert_close(together.detach(), torch.stack([each.detach() for each in alone]))


def test_a_kernel_is_a_matrix_of_outputs_by_everything_else():
    torch.manual_seed(0)
    kernel = nn.Parameter(torch.randn(6, 2, 3, 3).double().to(memory_format=torch.channels_last))
    flat = nn.Parameter(kernel.detach().reshape(6, 18).clone())
    kernel.grad = torch.randn(6, 2, 3, 3).double().to(memory_format=torch.channels_last)
    flat.grad = kernel.grad.reshape(6, 18).clone()
    Muon([{"params": [kernel], "kind": "flat"}], 0.1).step()
    Muon([flat], 0.1).step()
    torch.testing.assert_close(kernel.detach().reshape(6, 18), flat.detach())


def names(net, found):
    chosen = {id(matrix.parameter) for matrix in found}
    return {name for name, parameter in net.named_parameters() if id(parameter) in chosen}


def test_the_hidden_matrices_are_those_between_embeddings_and_the_output_layer():
    realmlp = RealMLP(3, [4, 30], 2)
    assert names(realmlp, hidden_matrices(realmlp)) == {"layers.0.weight_MFD", "layers.1.weight_MFD"}
    single = RealMLP(
        3, [], 1
    )  # an output of one column is no matrix; the layer before it is hidden all the same
    assert names(single, hidden_matrices(single)) == {"layers.0.weight_MFD", "layers.1.weight_MFD"}
    tabm = TabM([[-1.0, 0.0, 1.0]], [4, 30], 3)
    assert names(tabm, hidden_matrices(tabm)) == {"layers.0.weight_FD", "layers.1.weight_FD"}
    pictures = ResNet9(num_classes=3)
    kernels = {name for name, parameter in pictures.named_parameters() if parameter.ndim == 4}
    assert names(pictures, hidden_matrices(pictures)) == {
        name for name in kernels if name != "stem.weight"
    } | ({"stem.weight"})


def test_an_output_layer_tied_to_an_embedding_is_hidden_from_neither_side():
    embedding, head = nn.Embedding(9, 4), nn.Linear(4, 9, bias=False)
    head.weight = embedding.weight
    net = nn.Sequential(embedding, nn.Linear(4, 4), head)
    assert names(net, hidden_matrices(net)) == {"1.weight"}
    assert names(net, matrices(net)) == {"0.weight", "1.weight"}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_spares_biases_and_norms(name):
    net = small_net()
    groups = optimizers.build(name, net, learning_rate=0.1, weight_decay=0.5).param_groups
    decayed = {id(p) for group in groups if group["weight_decay"] for p in group["params"]}
    assert decayed == {id(p) for p in net.parameters() if p.ndim > 1}
    assert sum(len(group["params"]) for group in groups) == len(list(net.parameters()))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_frozen_parameters_are_left_out(name):
    net = small_net()
    net[0].weight.requires_grad_(False)
    groups = optimizers.build(name, net, learning_rate=0.1).param_groups
    assert all(p is not net[0].weight for group in groups for p in group["params"])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_parameter_without_a_gradient_stays_where_it_is(name):
    net = small_net()
    before = net[0].weight.detach().clone()
    optimizer = optimizers.build(name, net, learning_rate=0.1, weight_decay=0.1)
    net[4](torch.ones(2, 5, dtype=torch.float64)).sum().backward()
    optimizer.step()
    assert torch.equal(net[0].weight, before)
    assert not torch.equal(net[4].weight, small_net()[4].weight)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_state_that_is_saved_and_put_back_goes_on_bit_for_bit(name, tmp_path):
    net, other = small_net(), small_net()
    whole = optimizers.build(name, net, learning_rate=0.05, weight_decay=0.1)
    half = optimizers.build(name, other, learning_rate=0.05, weight_decay=0.1)
    learn(net, whole, steps=4)
    learn(other, half, steps=4)
    packing.save_atomically(tmp_path / "half", {"net": other.state_dict(), "optimizer": half.state_dict()})
    saved, again = packing.load(tmp_path / "half"), small_net()
    again.load_state_dict(saved["net"])
    rest = optimizers.build(name, again, learning_rate=0.05, weight_decay=0.1)
    rest.load_state_dict(saved["optimizer"])
    for mine, theirs in zip(learn(net, whole, steps=4), learn(again, rest, steps=4), strict=True):
        assert torch.equal(mine, theirs)
