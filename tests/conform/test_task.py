"""What every task owes to its users and to the engine."""

from __future__ import annotations

import functools
import json
import re

import numpy as np
import pytest
import torch

from deepfit import catalog
from deepfit.contract import Answers, Rows
from deepfit.data.batches import cut, join, num_rows
from deepfit.data.graph_nodes import Nodes
from deepfit.data.graph_sets import Graphs
from deepfit.data.ragged import Ragged
from deepfit.data.windows import Windows
from deepfit.errors import OptionError
from deepfit.judge.scorecard import references
from deepfit.options import resolve


def assert_equal(one, other, name="", rtol=0.0, atol=0.0):
    """Arrays, or rows of different lengths, that are equal."""
    if isinstance(other, Graphs):
        for ours, theirs in zip(joined_arrays(one), joined_arrays(other), strict=True):
            assert_equal(ours, theirs, name, rtol, atol)
        return
    if isinstance(other, Ragged):
        assert one.lengths.tolist() == other.lengths.tolist(), name
        one, other = one.values, other.values
    np.testing.assert_allclose(one, other, rtol=rtol, atol=atol, err_msg=name)


def joined_arrays(graphs):
    """All numbers of some graphs."""
    x, graph, of = graphs.joined()
    found = [x, of, graph.starts, graph.sources, graph.weight, graph.features]
    return [each for each in found if each is not None]


def scores_of(model, answers, rows):
    """The scores of the model's answers, or of a baseline's."""
    return model.task.metrics(model.appraised(answers, rows), rows)


def test_it_learns_its_own_tiny_data(tiny, model):
    scores = scores_of(model, model.answer(tiny.rows.test), tiny.rows.test)
    for metric, goal in tiny.goal.items():
        reached = scores[metric]
        better = reached <= goal if f"-{metric}" == tiny.task.main_metric else reached >= goal
        assert better, f"{metric}: {reached}, asked {goal}"


def test_its_file_opens_with_a_line_and_a_data_contract(tiny):
    text = catalog.docstring(tiny.name)
    line, _, rest = text.partition("\n")
    assert 10 < len(line) < 110
    assert line.endswith(".")
    assert len(rest.strip()) > 100


def test_its_rows_keep_the_contract_of_rows(tiny):
    rows = tiny.rows.test
    for name in (name for name in vars(Rows) if not name.startswith("_")):
        assert hasattr(rows, name), name
    assert len(rows.labelled()) == len(rows.compact()) == len(rows.fingerprints()) == len(rows)
    assert all(len(column) == len(rows) for column in rows.keys().values())
    assert all(len(described) == 4 for described in rows.describe())
    np.testing.assert_array_equal(rows.compact().target(), rows.target())


def test_every_option_has_a_default_and_a_meaning(tiny):
    options = type(tiny.task.options)
    options()
    for name, field in options.model_fields.items():
        assert field.description, name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)


def test_options_are_frozen_and_a_misspelt_one_gets_a_suggestion(tiny):
    options = type(tiny.task.options)
    with pytest.raises(ValueError, match="frozen"):
        options().epochs = 3
    with pytest.raises(OptionError, match="learning_rate"):
        resolve(options, {"lerning_rate": 0.1})


def test_options_out_of_range_are_refused(tiny):
    options = type(tiny.task.options)
    for name, value in {
        "epochs": -1,
        "learning_rate": -1.0,
        "batch_size": -1,
        "valid_fraction": 1.5,
        "seed": -1,
    }.items():
        with pytest.raises(OptionError, match=name.replace("_", "-")):
            resolve(options, {name: value})


def test_its_facts_are_plain_json_and_survive_it(tiny):
    again = json.loads(json.dumps(tiny.facts))
    before, after = tiny.task.encode(tiny.rows.test, tiny.facts), tiny.task.encode(tiny.rows.test, again)
    for name in before:
        assert_equal(before[name], after[name])


def test_encoding_does_not_depend_on_how_rows_are_grouped(tiny):
    rows = tiny.rows.test
    whole = tiny.task.encode(rows, tiny.facts)
    order = np.random.default_rng(0).permutation(len(rows))
    for part in np.array_split(order, 3):
        encoded = tiny.task.encode(rows.take(part), tiny.facts)
        for name in whole:
            assert_equal(encoded[name], whole[name][part], name)


def test_encoded_arrays_are_of_known_types_and_share_their_first_axis(tiny):
    for batch in (tiny.data.train, tiny.data.valid, tiny.data.test):
        known = np.ndarray | Ragged | Windows | Nodes | Graphs
        assert all(isinstance(array, known) for array in batch.values())
        assert len({len(array) for array in batch.values()}) == 1


def test_the_same_seed_builds_the_same_network(tiny):
    first, second = (tiny.network(tiny.run(None)).state_dict() for _ in range(2))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_every_parameter_gets_a_gradient(tiny):
    run = tiny.run(None)
    net = tiny.network(run)
    touched = set()
    for phase in tiny.task.plan(net, tiny.data, tiny.facts, run):
        net.train()
        for loss in phase.step(next(iter(phase.batches(0)))):
            net.zero_grad()
            loss.total.backward()
            touched |= {
                name for name, p in net.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0
            }
    missing = {name for name, p in net.named_parameters() if p.requires_grad} - touched
    assert not missing


def test_predictions_do_not_depend_on_order_or_grouping(tiny, model):
    batch = tiny.data.test
    rows = num_rows(batch)
    whole = model.outputs(batch)
    parts = [model.outputs(cut(batch, start, min(start + 7, rows))) for start in range(0, rows, 7)]
    joined = functools.reduce(join, parts)
    for name, values in whole.items():
        # one float32 product is summed in another order in a batch of another size
        assert_equal(joined[name], values, name, rtol=1e-4, atol=1e-5)


def test_answers_are_json_ready_and_begin_with_the_prediction(tiny, model):
    answers = model.answer(tiny.rows.test)
    assert isinstance(answers, Answers)
    assert next(iter(answers.columns)) == "prediction"
    assert len(answers) == len(tiny.rows.test)
    assert json.loads(json.dumps(answers[0])).keys() == answers.columns.keys()


def test_a_saved_model_answers_alike(tiny, model, tmp_path):
    from deepfit.model import load

    again = load(model.save(tmp_path / "model"))
    before, after = model.answer(tiny.rows.test), again.answer(tiny.rows.test)
    for name, values in before.columns.items():
        np.testing.assert_array_equal(values, after.columns[name])


def test_metrics_are_numbers_and_the_main_one_is_among_them(tiny, model):
    scores = scores_of(model, model.answer(tiny.rows.test), tiny.rows.test)
    assert tiny.task.main_metric.removeprefix("-") in scores
    assert all(np.isfinite(value) for value in scores.values())


def test_baselines_answer_every_test_row_and_are_deterministic(tiny, model):
    first, second = (list(tiny.task.baselines(tiny.rows)) for _ in range(2))
    assert first
    for one, other in zip(first, second, strict=True):
        assert one.name == other.name
        assert re.fullmatch(r"[a-z_]+", one.name)
        assert len(one.answers) == len(tiny.rows.test)
        one_scores, other_scores = (scores_of(model, each.answers, tiny.rows.test) for each in (one, other))
        assert one_scores == other_scores


def test_the_most_trivial_baseline_is_beaten(tiny, model):
    rivals = (each for each in tiny.task.baselines(tiny.rows) if each.name not in references(tiny.task))
    trivial = next(rivals).answers
    metric = tiny.task.main_metric.removeprefix("-")
    sign = -1 if tiny.task.main_metric.startswith("-") else 1
    ours, theirs = (
        scores_of(model, each, tiny.rows.test)[metric] for each in (model.answer(tiny.rows.test), trivial)
    )
    assert sign * ours > sign * theirs
