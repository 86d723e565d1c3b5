"""Nested state goes into one safetensors file and comes out the same; what is no such file is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from deepfit.engine import packing
from deepfit.errors import ArtifactError

DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool)


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    values = torch.randn(shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 99)))) * 5
    return values.to(draw(st.sampled_from(DTYPES)))


def mappings(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[Any, Any]]:
    return st.dictionaries(
        st.text(max_size=4) | st.integers(-3, 3) | st.sampled_from(["0", "1", "a/b", "a", ""]),
        inner,
        max_size=4,
    )


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
arrays = tensors().filter(lambda t: t.ndim and t.dtype != torch.bfloat16).map(lambda t: t.numpy())
trees = st.recursive(
    plain | tensors() | arrays,
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | mappings(inner),
    max_leaves=8,
)


def same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and one.shape == other.shape and torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


@settings(max_examples=150, deadline=None)
@given(tree=mappings(trees))
def test_a_state_comes_back_as_it_was(tree: dict[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("packing") / "state.safetensors"
    packing.save_atomically(path, tree)
    assert same(packing.load(path), tree)


def test_paths_that_read_alike_do_not_collide(tmp_path: Path) -> None:
    tree = {"a/b": torch.tensor(1), "a": {"b": torch.tensor(2)}, 1: torch.tensor(3), "1": torch.tensor(4)}
    packing.save_atomically(tmp_path / "s", tree)
    assert same(packing.load(tmp_path / "s"), tree)


def test_shared_and_strided_tensors_are_saved_whole(tmp_path: Path) -> None:
    base = torch.arange(12.0).view(3, 4)
    packing.save_atomically(
        tmp_path / "s", {"base": base, "turned": base.T, "column": base[:, 1], "again": base}
    )
    state = packing.load(tmp_path / "s")
    assert torch.equal(state["turned"], base.T)
    assert torch.equal(state["column"], base[:, 1])
    state["base"].zero_()
    assert torch.equal(state["again"], base), "what was shared comes back apart"


def test_numpy_numbers_become_plain_ones(tmp_path: Path) -> None:
    packing.save_atomically(
        tmp_path / "s", {"count": np.int64(3), "mean": np.float32(0.5), "zero": np.array(7)}
    )
    assert same(packing.load(tmp_path / "s"), {"count": 3, "mean": 0.5, "zero": 7})


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, print, {(1, 2): 3}, {None: 1}, np.array(["a"], dtype=object)]
)
def test_what_cannot_be_saved_as_data_is_refused(value: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        packing.save_atomically(tmp_path / "s", {"value": value})
    assert not list(tmp_path.iterdir())


def test_every_truncation_of_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.safetensors"
    packing.save_atomically(path, {"weight": torch.randn(20), "name": "x"})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ArtifactError, match=r"s\.safetensors: not a checkpoint of deepfit, or damaged"):
            packing.load(path)


OUTLINES = [
    "[1]",
    "3",
    "null",
    '"x"',
    "{",
    '{"tensor": "9"}',
    '{"dict": 3}',
    '{"dict": [[1]]}',
    '{"dict": [[[1], 2]]}',
    "{}",
]
OUTLINES += ['{"list": [1, 2]}', '{"dict": [["a", {"tensor": "nowhere"}]]}', "[" * 100_000]


@pytest.mark.parametrize("outline", OUTLINES, ids=range(len(OUTLINES)))
def test_a_foreign_outline_is_refused(outline: str, tmp_path: Path) -> None:
    save_file({"0": torch.ones(2)}, tmp_path / "s", metadata={"outline": outline})
    with pytest.raises(ArtifactError):
        packing.load(tmp_path / "s")


@pytest.mark.parametrize("content", ["foreign", "pickle", "nothing", "missing", "folder"])
def test_a_file_of_another_kind_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "s"
    if content == "foreign":
        save_file({"weight": torch.ones(2)}, path)
    elif content == "pickle":
        torch.save({"weight": torch.ones(2)}, path)
    elif content == "nothing":
        path.write_bytes(b"")
    elif content == "folder":
        path.mkdir()
    with pytest.raises(ArtifactError):
        packing.load(path)


def test_the_outline_is_json_and_holds_no_code(tmp_path: Path) -> None:
    outline = packing.pack({"a": [1, (2.5, None)], "b": torch.ones(1)}, {})
    assert json.loads(json.dumps(outline)) == {
        "dict": [["a", {"list": [1, {"tuple": [2.5, None]}]}], ["b", {"tensor": "0/b"}]]
    }
