import torch
from torch.nn import functional
from torch.testing import assert_close

from deepfit.nn.nets.tabm import SharedLinear, TabM

EDGES = [[-1.0, 0.0, 1.0], [-1.0, 1.0]]


def small(**options):
    torch.manual_seed(0)
    return TabM(EDGES, [4, 30], 3, **{"members": 5, "widths": (6, 7), "number_width": 2, **options})


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


def test_each_member_equals_a_plain_network_whose_weights_are_the_shared_ones_times_its_scales():
    net = stirred(small()).eval()
    numbers, categories = rows()
    together = net(numbers, categories)
    embedded = torch.cat([net.numbers(numbers), net.categories(categories)], dim=2)[0]
    for member in range(5):
        h = embedded
        for layer in net.layers:
            weight = layer.before_MF[member][:, None] * layer.weight_FD * layer.after_MD[member][None, :]
            h = functional.relu(functional.linear(h, weight.T, layer.bias_MD[member]))
        alone = functional.linear(h, net.weight_MDO[member].T, net.bias_MO[member])
        assert_close(together[:, member], alone, rtol=1e-4, atol=1e-5)  # another order of the same sums


def test_the_first_layer_starts_with_random_signs_and_all_others_with_ones():
    net = small(members=64)
    first, second = net.layers
    assert set(first.before_MF.unique().tolist()) == {-1.0, 1.0}
    assert all((scale == 1).all() for scale in (first.after_MD, second.before_MF, second.after_MD))


def test_members_of_one_layer_start_with_the_same_bias():
    layer = SharedLinear(4, 3, members=5)
    assert (layer.bias_MD == layer.bias_MD[0]).all()


def test_every_parameter_gets_a_gradient():
    net = small().train()
    net(*rows(64)).square().sum().backward()
    assert all(parameter.grad.any() for parameter in net.parameters())


def test_the_answer_for_a_row_does_not_depend_on_the_other_rows_or_their_order():
    net = stirred(small()).eval()
    numbers, categories = rows()
    order = torch.tensor([4, 2, 7])
    some = net(numbers[order], categories[order])
    assert_close(some, net(numbers, categories)[order], rtol=1e-5, atol=1e-6)  # sums in another order


def test_it_learns_a_small_batch_by_heart():
    net = small(dropout=0.0, widths=(32, 32))
    numbers, categories = rows(12)
    target = torch.arange(12) % 3
    optimizer = torch.optim.AdamW(net.parameters(), 0.01)
    for _ in range(150):
        logits = net(numbers, categories)
        loss = functional.cross_entropy(logits.flatten(0, 1), target.repeat_interleave(5))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (net(numbers, categories).mean(1).argmax(1) == target).all()
