"""Strings of symbols from file to answer: what training sees, what answers are, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import deepfit
from deepfit.contract import Splits
from deepfit.engine import Run, train
from deepfit.errors import DataError, OptionError
from deepfit.model import Model, load
from deepfit.options import resolve
from deepfit.tasks.sequence_classification import Options, SequenceClassification

NAME = "sequence-classification"
OTHER = str.maketrans("ACGT", "TGCA")


def learned(task, splits, epochs=None):
    """A model of some rows, trained."""
    torch.set_num_threads(1)
    facts = task.learn(splits.train)
    data = Splits(*(task.encode(part, facts) for part in (splits.train, splits.valid, splits.test)))
    run = Run(task.options, None)
    run.seed("build")
    net = task.build(facts)
    for _ in train(task, net, data, facts, run):
        pass
    return Model(NAME, task, net.eval(), facts)


@pytest.fixture(scope="module")
def junctions():
    task, splits, _ = SequenceClassification.tiny(3)
    return learned(task, splits), splits


def motifs(count, seed=0, lengths=(30, 60)):
    """Strings with one of two motifs anywhere, on either strand."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for place in rng.integers(0, 2, count).tolist():
        letters = "".join(rng.choice(list("ACGT"), int(rng.integers(*lengths))))
        motif, at = ("TTGACGTCAA"[1:] + "C", "GGGCATTTGC")[place], int(rng.integers(0, len(letters)))
        motif = motif if rng.random() < 0.5 else motif[::-1].translate(OTHER)
        texts.append(letters[:at] + motif + letters[at:])
        labels.append(("creb", "other")[place])
    return texts, labels


def few(**options):
    """A task and a small model of strings with motifs, barely trained."""
    task = SequenceClassification(
        resolve(
            Options, {"epochs": 1, "threads": 1, "batch_size": 32, "reverse_complement": "off", **options}
        )
    )
    rows = task.read(motifs(120))
    parts = (np.arange(80), np.arange(80, 100), np.arange(100, 120))
    return learned(task, Splits(*(rows.take(part) for part in parts)))


def test_the_letters_that_make_the_class_speak_most_for_it(junctions):
    model, splits = junctions
    batch = model.task.encode(splits.test, model.facts)
    said = model.task.saliency(model.net, batch, model.facts, batch["target"])
    named = np.flatnonzero(splits.test.target() != "neither")
    strength = np.stack([said.row(row) for row in named]).mean(0)
    assert strength[9:16].sum() > 0.8 * np.abs(strength).sum()


def test_ids_come_back_with_the_answers(junctions, tmp_path):
    model, splits = junctions
    texts = splits.test.column("sequence")[:3]
    path = tmp_path / "new.fasta"
    path.write_text("".join(f">s{place}\n{text.lower()}\n" for place, text in enumerate(texts)))
    found = model.answers(path)
    assert found.columns["id"].tolist() == ["s0", "s1", "s2"]
    assert found.columns["prediction"].tolist() == model.predict(texts.tolist()).tolist()


def test_a_string_of_another_length_than_the_aligned_ones_is_refused_with_its_row(junctions):
    model, _ = junctions
    with pytest.raises(DataError, match=r"place 1 .*has 3 letters, and all of the training rows had 24"):
        model.predict(["A" * 24, "ACG"])


def test_where_both_strands_are_read_a_string_and_its_reverse_complement_get_the_same_answer():
    model = few(reverse_complement="on")
    texts, _ = motifs(20, seed=1)
    turned = [text[::-1].translate(OTHER) for text in texts]
    np.testing.assert_allclose(model.predict_proba(texts), model.predict_proba(turned), atol=1e-5)
    single = few()
    assert not np.allclose(single.predict_proba(texts), single.predict_proba(turned), atol=1e-4)


def test_a_long_string_is_the_mean_of_windows_and_a_megabyte_is_answered():
    model = few(window=32)
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("ACGT"), 48))
    whole, parts = model.predict_proba([text]), model.predict_proba([text[:32], text[16:]])
    np.testing.assert_allclose(whole[0], parts.mean(0), atol=1e-5)
    megabyte = few(window=4096)
    assert np.isfinite(megabyte.predict_proba(["ACGTTGCANN" * 100_000, "A"])).all()


def test_windows_are_announced_before_training():
    task = SequenceClassification(resolve(Options, {"window": 16}))
    said = " ".join(each.message for each in task.read((["ACGT" * 10, "ACG"], ["a", "b"])).concerns())
    assert "1 of 2 sequences have more than 16 letters (the longest 40) and are read in windows of 16" in said


@pytest.mark.parametrize("network", ["lstm", "gru", "temporal_cnn", "transformer_encoder"])
@pytest.mark.parametrize("encoding", [{}, {"encoding": "k-mer", "k": 2}])
def test_every_network_reads_letters_and_kmers_of_strings_of_any_length(network, encoding):
    model = few(network=network, **encoding)
    assert np.isfinite(model.predict_proba(["A", "ACGT" * 300])).all()
    batch = model.task.encode(model.read(["ACGTN", "A"]), model.facts)
    said = model.task.saliency(model.net, batch, model.facts, np.array([0, 1]))
    assert said.lengths.tolist() == [5, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 4}, "--k 4 has no effect with --encoding one-hot"),
        ({"reverse_complement": "on", "alphabet": "protein"}, "is of DNA, which has two strands"),
        ({"soft_masked": "channel", "alphabet": "symbols"}, "no effect with --alphabet symbols"),
        ({"focal_gamma": 1.0}, "no effect with --loss sparse_categorical_crossentropy"),
        ({"network": "resnet18"}, "which reads pictures; sequence-classification reads steps in their order"),
    ],
)
def test_a_setting_without_an_effect_is_refused(options, message):
    with pytest.raises(OptionError, match=message):
        resolve(Options, options)


def test_the_other_strand_of_protein_is_refused_when_the_data_are_known():
    task = SequenceClassification(resolve(Options, {"reverse_complement": "on"}))
    rows = task.read((["ACDEFGHIKLMNPQRSTVWY"] * 2, ["a", "b"]))
    with pytest.raises(OptionError, match="holds protein"):
        task.learn(rows)


def test_a_run_from_fasta_and_a_table_of_labels_is_reported_and_answers_without_that_table(tmp_path):
    texts, labels = motifs(90, seed=2)
    fasta, table = tmp_path / "x.fasta", tmp_path / "labels.csv"
    fasta.write_text("".join(f">s{place} Homo sapiens\n{text}\n" for place, text in enumerate(texts)))
    table.write_text("id,label\n" + "".join(f"s{place},{label}\n" for place, label in enumerate(labels)))
    run = tmp_path / "run"
    options = {"labels": str(table), "epochs": 2, "batch_size": 16, "threads": 1}
    model = deepfit.fit(fasta, out=run, quiet=True, **options)
    page = (run / "report.html").read_text(encoding="utf-8")
    for title in (
        "What each class is recognised by",
        "Sequences, letter by letter",
        "linear kmers",
        "Positions were not read: ",
    ):
        assert title in page
    assert model.evaluate(fasta)["rows"]["test"] == 90
    table.unlink()
    again = load(run)
    np.testing.assert_array_equal(again.predict(fasta), model.predict(texts))
    with pytest.raises(DataError, match="no label"):
        again.evaluate(fasta)
