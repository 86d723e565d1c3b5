import math

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from deepfit.nn.embeddings import CategoryEmbedding, PeriodicEmbedding, PiecewiseLinearEmbedding

EDGES = [[-1.0, 0.0, 0.5, 3.0], [0.0, 1.0], [-2.0, 2.0, 6.0]]


def test_intervals_below_a_value_are_full_above_it_empty_and_its_own_holds_its_share():
    fullness = PiecewiseLinearEmbedding(EDGES, 4).fullness(torch.tensor([[0.25, 0.3, 4.0]]))
    hand_worked = torch.tensor([[[1.0, 0.5, 0.0], [0.3, 0.0, 0.0], [1.0, 0.5, 0.0]]])
    assert_close(fullness, hand_worked)


def test_inside_the_edges_the_sum_of_fullness_is_numpys_interpolation_of_the_edge_number():
    embedding = PiecewiseLinearEmbedding(EDGES, 4)
    values = np.random.default_rng(0).uniform(-1, 3, 50).astype(np.float32)
    numbers = torch.from_numpy(np.stack([values, np.clip(values, 0, 1), values], axis=1))
    summed = embedding.fullness(numbers).sum(2).numpy()
    for column, edges in enumerate(EDGES):
        expected = np.interp(numbers[:, column].numpy(), edges, np.arange(len(edges)))
        np.testing.assert_allclose(summed[:, column], expected, atol=1e-5)


def test_values_beyond_the_outer_edges_go_on_in_a_straight_line():
    fullness = PiecewiseLinearEmbedding([[-1.0, 0.0, 0.5]], 4).fullness(torch.tensor([[-3.0], [1.5]]))
    assert_close(fullness, torch.tensor([[[-2.0, 0.0]], [[1.0, 3.0]]]))


def test_a_piecewise_linear_embedding_starts_as_a_straight_line_of_each_number():
    torch.manual_seed(0)
    embedding = PiecewiseLinearEmbedding(EDGES, 2)
    low, middle, high = (embedding(torch.full((1, 3), value)) for value in (-4.0, 1.0, 6.0))
    assert_close(middle, (low + high) / 2)
    assert not torch.equal(low, high)


def test_a_piecewise_linear_embedding_fits_a_bent_function_that_a_line_cannot():
    torch.manual_seed(0)
    x = torch.linspace(-1, 3, 200).unsqueeze(1)
    design = PiecewiseLinearEmbedding([np.linspace(-1, 3, 17).tolist()], 1).fullness(x).flatten(1).double()
    design = torch.cat([design, torch.ones(200, 1, dtype=torch.float64)], dim=1)
    target = torch.sin(3 * x).double()
    fitted = design @ torch.linalg.lstsq(design, target).solution
    assert (fitted - target).abs().max() < 0.08  # intervals of 0.25 leave at most 9 * 0.25^2 / 8 = 0.07


def test_a_periodic_embedding_equals_the_formula_column_by_column():
    torch.manual_seed(1)
    embedding = PeriodicEmbedding(3, 4, members=2, frequencies=5)
    numbers = torch.randn(7, 3)
    computed = embedding(numbers).view(2, 7, 3, 4)
    for member in range(2):
        for column in range(3):
            x = numbers[:, column : column + 1]
            frequency = 0.1 * embedding.frequency_MNH[member, column]
            shift = 0.1 * embedding.shift_MNH[member, column]
            mix, bias = 0.1 * embedding.mix_MNHW[member, column], 0.1 * embedding.bias_MNW[member, column]
            waves = torch.sin(2 * math.pi * x * frequency + shift)
            assert_close(computed[member, :, column], torch.cat([x, waves @ mix + bias], dim=1))


def test_short_category_columns_equal_one_hot_encoding():
    categories = torch.tensor([[1, 2], [3, 1], [2, 2]], dtype=torch.int32)
    one_hot = [functional.one_hot(categories[:, c].long(), size)[:, 1:] for c, size in enumerate((4, 3))]
    assert_close(CategoryEmbedding([4, 3])(categories)[0], torch.cat(one_hot, dim=1).float())


@pytest.mark.parametrize("sizes", [[4, 3], [20, 30], [4, 30]])
def test_an_unseen_category_gives_zeros(sizes):
    categories = torch.zeros(2, 2, dtype=torch.int32)
    assert not CategoryEmbedding(sizes, members=3)(categories).any()


def test_long_category_columns_give_each_member_and_value_its_own_vector():
    torch.manual_seed(0)
    embedding = CategoryEmbedding([20, 15], members=2, width=4)
    every = torch.tensor([[value, 1 + value % 14] for value in range(1, 20)], dtype=torch.int32)
    first_column = embedding(every)[:, :, :4].reshape(-1, 4)
    assert len(first_column.unique(dim=0)) == 2 * 19
    assert_close(embedding(every)[:, 0, 4:], embedding(every)[:, 14, 4:])


@pytest.mark.parametrize(
    ("embedding", "inputs"),
    [
        (PeriodicEmbedding(2, 4, members=2), torch.randn(8, 2)),
        (PiecewiseLinearEmbedding([[-1.0, 0.0, 1.0], [-1.0, 1.0, 2.0]], 4, members=2), torch.randn(64, 2)),
        (CategoryEmbedding([20, 3], members=2), torch.randint(0, 3, (8, 2))),
    ],
)
def test_every_parameter_gets_a_gradient_and_no_buffer_is_saved(embedding, inputs):
    embedding(inputs).square().sum().backward()
    assert all(parameter.grad.any() for parameter in embedding.parameters())
    assert set(embedding.state_dict()) == {name for name, _ in embedding.named_parameters()}


def test_a_table_without_number_or_without_category_columns_gives_no_features():
    assert PeriodicEmbedding(0, 4)(torch.zeros(3, 0)).shape == (1, 3, 0)
    assert PiecewiseLinearEmbedding([], 4)(torch.zeros(3, 0)).shape == (1, 3, 0)
    assert CategoryEmbedding([], members=2)(torch.zeros(3, 0, dtype=torch.int32)).shape == (2, 3, 0)
