from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from deepfit import catalog
from deepfit.cli import status
from deepfit.contract import Splits
from deepfit.engine import Run, train
from deepfit.errors import ArtifactError, OptionError
from deepfit.job.check import check
from deepfit.model import Model, load
from deepfit.options import resolve

TASK = catalog.find("token-classification")


def options(**changes):
    return resolve(TASK.Options, {"epochs": 2, "width": 16, "batch_size": 16, "threads": 1, **changes})


def trained(task, rows, folder=None):
    facts = dict(task.learn(rows.train))
    data = Splits(*(task.encode(part, facts) for part in (rows.train, rows.valid)))
    run = Run(task.options, folder)
    run.seed("build")
    net = task.build(facts)
    for _ in train(task, net, data, facts, run):
        pass
    return Model("token-classification", task, net.eval(), facts)


@pytest.fixture(scope="module")
def tiny():
    torch.set_num_threads(1)
    task, rows, _ = TASK.tiny(0)
    return trained(task, rows), rows


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A folder with a small BERT of random weights, as it is published."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("base")
    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789.,!?"]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{each}" for each in letters)]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.BertConfig(vocab_size=len(words), max_position_embeddings=64, **shape)
    transformers.utils.logging.disable_progress_bar()
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"base": "x", "network": "gru"}, "--network has no effect with --base"),
        ({"base": "x", "width": 64}, "--width has no effect with --base"),
        ({"scheme": "words", "crf": "on"}, "--crf on is for entities"),
        ({"network": "transformer_encoder"}, "received 'transformer_encoder'"),
    ],
)
def test_settings_without_an_effect_are_refused(given, message):
    with pytest.raises(OptionError, match=message):
        resolve(TASK.Options, given)


def test_a_chain_of_tags_that_mark_nothing_is_refused():
    task = TASK(options(crf="on"))
    with pytest.raises(OptionError, match="these tags mark none"):
        task.learn(task.read(([["a", "b"]], [["N", "V"]])))


def test_the_main_metric_follows_the_tags():
    task = TASK(options())
    task.read(([["a", "b"]], [["B-X", "O"]]))
    assert task.main_metric == "f1"
    task.read(([["a", "b"]], [["N", "V"]]))
    assert task.main_metric == "accuracy"


def test_parts_of_speech_are_learned_and_scored_by_word():
    rng = np.random.default_rng(0)
    ends, stems = ["ed", "s"], list("abc")
    words = [[str(rng.choice(stems)) + str(rng.choice(ends)) for _ in range(6)] for _ in range(90)]
    tags = [["V" if word.endswith("ed") else "N" for word in row] for row in words]
    task = TASK(options(epochs=12))
    rows = task.read((words, tags))
    parts = Splits(*(rows.take(np.arange(90)[part]) for part in (slice(60), slice(60, 75), slice(75, 90))))
    model = trained(task, parts)
    scores = task.metrics(model.answer(parts.test), parts.test)
    assert scores["accuracy"] > 0.95
    new = model.predict([["xyzed", "qrs"]])[0]
    assert new == ["V", "N"]  # by their letters alone


def test_entities_come_with_their_words_and_where_they_are(tiny):
    model, _ = tiny
    answer = model.answers([["Balason", "moved", "to", "New", "Dinaville", "."]])[0]
    assert answer["tokens"][0] == "Balason"
    assert answer["prediction"] == ["B-PERSON", "O", "O", "B-TOWN", "I-TOWN", "O"]
    first, second = answer["entities"]
    assert (first["text"], first["type"], first["start"], first["end"]) == ("Balason", "PERSON", 0, 1)
    assert (second["text"], second["type"], second["start"], second["end"]) == ("New Dinaville", "TOWN", 3, 5)
    assert second["score"] == min(answer["confidence"][3:5])
    assert 0 in answer["unseen"]
    json.dumps(answer)


def test_texts_of_any_kind_get_an_answer(tiny):
    model, _ = tiny
    texts = ["Balason moved to Dinaville.", "👩‍💻!!", "שלום לעולם", "x" * 100_000, "Balason " * 5_000, "\x00"]
    answers = model.answers(texts)
    assert [len(each) for each in answers.columns["prediction"]] == [5, 2, 2, 1, 5_000, 1]
    assert all(len(row["prediction"]) == len(row["tokens"]) for row in answers)


def test_every_answer_is_valid_bio(tiny):
    from deepfit.data.tags import as_bio

    model, rows = tiny
    for said in model.answer(rows.test).columns["prediction"]:
        assert as_bio(said) == said


@pytest.mark.parametrize("crf", ["on", "off"])
def test_a_base_is_fine_tuned_and_its_folder_is_not_needed_afterwards(base, crf, tmp_path):
    _, rows, _ = TASK.tiny(0)
    rows = Splits(*(part.take(np.arange(40)) for part in (rows.train, rows.valid)))
    task = TASK(resolve(TASK.Options, {"base": str(base), "epochs": 1, "crf": crf, "threads": 1}))
    model = trained(task, rows)
    texts = ["Balason moved to New Dinaville.", "long " * 300]
    before = model.answers(texts)
    folder = model.save(tmp_path / "model")
    moved = base.rename(base.with_name("elsewhere"))
    try:
        after = load(folder).answers(texts)
    finally:
        moved.rename(base)
    assert list(before) == list(after)


def test_the_published_weights_are_there_when_training_begins(base):
    _, rows, _ = TASK.tiny(0)
    task = TASK(resolve(TASK.Options, {"base": str(base), "epochs": 1, "threads": 1}))
    facts = task.learn(rows.train)
    data = Splits(*(task.encode(part, facts) for part in (rows.train, rows.valid)))
    net = task.build(facts)
    next(iter(task.plan(net, data, facts, Run(task.options, None))))
    published = load_file(base / "model.safetensors")
    torch.testing.assert_close(net.encoder.tokens.weight, published["embeddings.word_embeddings.weight"])


def test_a_base_of_another_shape_is_refused(base, tmp_path):
    for each in base.iterdir():
        (tmp_path / each.name).write_bytes(each.read_bytes())
    weights = load_file(base / "model.safetensors")
    weights["embeddings.word_embeddings.weight"] = torch.zeros(3, 16)
    save_file(weights, tmp_path / "model.safetensors")
    _, rows, _ = TASK.tiny(0)
    task = TASK(resolve(TASK.Options, {"base": str(tmp_path), "epochs": 1, "threads": 1}))
    with pytest.raises(ArtifactError, match=r"embeddings\.word_embeddings\.weight"):
        trained(task, rows)


def test_files_of_tags_are_this_task_and_no_other(tmp_path):
    conll, lines = tmp_path / "x.conll", tmp_path / "x.jsonl"
    conll.write_text("a\tX\nb\tY\n\n" * 20)
    lines.write_text('{"tokens": ["a", "b"], "tags": ["X", "Y"]}\n' * 20)
    assert catalog.infer(str(conll), None)[0] == "token-classification"
    assert catalog.infer(str(conll), "1")[0] == "token-classification"
    assert catalog.infer(str(lines), None)[0] == "token-classification"
    assert catalog.infer(str(lines), "tags")[0] == "token-classification"
    found = check(str(conll), options={"threads": 1})
    assert found.rows == 20
    assert [column[0] for column in found.columns] == ["tokens", "1"]


def test_a_file_with_a_missing_column_ends_with_status_2_before_training(tmp_path, capsys):
    path = tmp_path / "x.conll"
    path.write_text("a\tX\nb\n" * 20)
    assert status(["train", str(path), "--out", str(tmp_path / "run")], debug=False) == 2
    assert "x.conll, line 2: expected 2 columns" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_whole_run_leaves_a_model_a_report_and_files_of_answers(tmp_path, capsys):
    _, rows, _ = TASK.tiny(0)
    path = tmp_path / "names.conll"
    sentences = zip(rows.train.words, rows.train.tags, strict=True)
    path.write_text(
        "\n".join("".join(f"{w} {t}\n" for w, t in zip(*each, strict=True)) for each in sentences)
    )
    run = str(tmp_path / "run")
    words = ["--out", run, "--epochs", "2", "--width", "16", "--threads", "1", "--json"]
    assert status(["train", str(path), *words], debug=False) == 0
    card = json.loads(capsys.readouterr().out)
    assert set(card["metrics"]) == {"f1", "precision", "recall", "accuracy"}
    assert set(card["baselines"]) == {"most_frequent_tag", "logistic_regression"}
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    for title in ("Kinds of entities", "Confused tags", "Sentences"):
        assert f"<h2>{title}</h2>" in page
    new = tmp_path / "new.txt"
    new.write_text("Balason moved to Dinaville.\n\nThen Rotusen flew to New Lamaburg!\n")
    said = tmp_path / "said.conll"
    assert status(["predict", run, str(new), "--out", str(said)], debug=False) == 0
    words = [line.split("\t")[0] for line in said.read_text().splitlines()]
    assert words[:6] == ["Balason", "moved", "to", "Dinaville", ".", ""]
    assert status(["evaluate", run, str(path), "--json"], debug=False) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["f1"]["low"] is not None
