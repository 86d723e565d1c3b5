import torch
from torch.nn import functional
from torch.testing import assert_close

from deepfit.nn.nets.realmlp import RealMLP


def small(**options):
    torch.manual_seed(0)
    return RealMLP(2, [4, 30], 3, **{"members": 4, "widths": (16, 8), **options})


def rows(count=9):
    generator = torch.Generator().manual_seed(1)
    numbers = torch.randn(count, 2, generator=generator)
    return numbers, torch.randint(0, 4, (count, 2), generator=generator, dtype=torch.int32)


def stirred(net):
    """The network with every parameter moved off its start, so that no scale is still one."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return net


def test_each_member_equals_the_formula_of_the_paper_with_its_own_parameters():
    net = stirred(small()).eval()
    numbers, categories = rows()
    together = net(numbers, categories)
    for member in range(4):
        h = torch.cat([net.numbers(numbers)[member], net.categories(categories)[member]], dim=1)
        h = h * (1 + 6 * net.scale_M1F[member, 0])
        for layer, bend in zip(net.layers, net.bends, strict=True):
            z = h @ layer.weight_MFD[member] / h.shape[1] ** 0.5 + 0.1 * layer.bias_M1D[member, 0]
            h = z + (1 + 0.1 * bend[member, 0]) * (functional.mish(z) - z)
        alone = h @ net.last.weight_MFD[member] / h.shape[1] ** 0.5 + 0.1 * net.last.bias_M1D[member, 0]
        assert_close(together[:, member], alone, rtol=1e-4, atol=1e-5)  # another order of the same sums


def test_another_activation_takes_the_place_of_mish_and_linear_makes_the_network_linear():
    numbers, categories = rows()
    mish, tanh = (stirred(small(activation=name)).eval() for name in ("mish", "tanh"))
    assert not torch.allclose(mish(numbers, categories), tanh(numbers, categories))
    plain = stirred(small(activation="linear")).eval()
    h = torch.cat([plain.numbers(numbers), plain.categories(categories)], dim=2)
    h = h * (1 + 6 * plain.scale_M1F)
    for layer in (*plain.layers, plain.last):
        h = layer(h)
    assert_close(plain(numbers, categories), h.transpose(0, 1), rtol=1e-4, atol=1e-5)


def test_no_parameter_reaches_two_members():
    net = stirred(small()).eval()
    numbers, categories = rows()
    before = net(numbers, categories)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            own = parameter.view(-1, 4, 8)[:, 2] if name == "categories.vectors.weight" else parameter[2]
            own.add_(0.5)
    changed = (net(numbers, categories) - before).abs().amax((0, 2)) > 0
    assert changed.tolist() == [False, False, True, False]


def test_a_factor_before_a_parameter_is_a_factor_of_its_learning_rate_under_adam():
    target, ours, paper = torch.tensor([3.0]), torch.zeros(1), torch.zeros(1)
    ours.requires_grad_()
    paper.requires_grad_()
    steps = torch.optim.Adam([ours], 0.01, eps=1e-12), torch.optim.Adam([paper], 6 * 0.01, eps=1e-12)
    for _ in range(20):
        for value, optimizer in ((6 * ours, steps[0]), (paper, steps[1])):
            optimizer.zero_grad()
            (value - target).square().sum().backward()
            optimizer.step()
    assert_close(6 * ours, paper)


def test_every_parameter_gets_a_gradient():
    net = small()
    net(*rows(64)).square().sum().backward()
    assert all(parameter.grad.any() for parameter in net.parameters())


def test_the_answer_for_a_row_does_not_depend_on_the_other_rows_or_their_order():
    net = small().eval()
    numbers, categories = rows()
    order = torch.tensor([4, 2, 7])
    some = net(numbers[order], categories[order])
    assert_close(some, net(numbers, categories)[order], rtol=1e-5, atol=1e-6)  # sums in another order


def test_it_learns_a_small_batch_by_heart():
    net = small(dropout=0.0)
    numbers, categories = rows(12)
    target = torch.arange(12) % 3
    optimizer = torch.optim.AdamW(net.parameters(), 0.05)
    for _ in range(150):
        logits = net(numbers, categories)
        loss = functional.cross_entropy(logits.flatten(0, 1), target.repeat_interleave(4))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (net(numbers, categories).mean(1).argmax(1) == target).all()
