"""Texts as they come: long, empty, in any script; several labels; a published encoder that is fine-tuned."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from deepfit import catalog, load
from deepfit.contract import Splits
from deepfit.data.ragged import Ragged
from deepfit.data.word_pieces import SPECIALS
from deepfit.engine import Run, train
from deepfit.errors import ArtifactError, DataError, OptionError
from deepfit.model import Model
from deepfit.nn.nets.transformer_encoder import TransformerEncoder
from deepfit.nn.pretrained_names import FAMILIES
from deepfit.nn.text_classifier import BAG_SHARE, BASE_BAG_SHARE
from deepfit.options import resolve
from deepfit.plans import texts

KIND = catalog.find("text-classification")
GOOD, BAD = ("tasty", "fresh", "crisp"), ("stale", "bland", "soggy")


def remarks(count, seed=0):
    rng = np.random.default_rng(seed)
    praised = rng.random(count) < 0.5
    words = [rng.choice(GOOD if each else BAD, 2) for each in praised]
    return {
        "text": [f"the {rng.choice(['soup', 'tea'])} was {a} and {b}" for a, b in words],
        "label": ["praise" if each else "blame" for each in praised],
    }


def fitted(source, **options):
    """A model that has learned from two thirds of the rows, and the rest of them."""
    given = {"epochs": 4, "batch_size": 16, "threads": 1, **options}
    if "base" not in options:
        given = {"vocabulary": 320, **given}
    task = KIND(resolve(KIND.Options, given))
    rows = task.read(source)
    order = np.arange(len(rows))
    splits = Splits(rows.take(order[order % 3 != 0]), rows.take(order[order % 3 == 0]))
    facts = task.learn(splits.train)
    data = Splits(task.encode(splits.train, facts), task.encode(splits.valid, facts))
    run = Run(task.options, None)
    run.seed("build")
    net = task.build(facts)
    for _ in train(task, net, data, facts, run):
        pass
    return Model("text-classification", task, net.eval(), facts), splits


@pytest.fixture(scope="module")
def small():
    return fitted(remarks(120), window=16)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """A folder as the Hub's: a very small BERT with weights made at random."""
    folder = tmp_path_factory.mktemp("bert")
    sizes = {"vocab_size": 60, "width": 32, "layers": 2, "heads": 2, "hidden": 64, "positions": 40}
    torch.manual_seed(0)
    family, state = FAMILIES["bert"], {}
    for name, value in TransformerEncoder(**sizes).state_dict().items():
        module, kind = name.rsplit(".", 1)
        sources = family.sources(module)
        for source, part in zip(sources, value.chunk(len(sources)), strict=True):
            state[f"{source}.{kind}"] = part.clone()
    save_file(state, folder / "model.safetensors")
    config = {theirs: sizes[ours] for ours, (theirs, _) in family.arguments.items() if ours in sizes}
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", **config}))
    words = ["the", "soup", "tea", "was", "and", *GOOD, *BAD, *"abcdefghijklmnopqrstuvwxyz"]
    (folder / "vocab.txt").write_text("\n".join([*SPECIALS.values(), *words]))
    return folder


def test_a_long_text_is_answered_by_all_of_it_not_by_its_beginning(small):
    model, _ = small
    filler = "the tea was and the soup " * 30
    late = model.predict_proba([filler + "tasty fresh crisp " * 25, filler + "stale bland soggy " * 25])
    praise = model.classes.index("praise")
    assert late[0, praise] > late[1, praise] + 0.05


def test_the_answer_to_a_long_text_is_the_mean_over_its_windows(small):
    model, _ = small
    rows = model.read(["tasty bland soup and tea " * 20])
    batch = model.task.encode(rows, model.facts)
    parts = texts.windows(batch["tokens"], model.facts)
    assert len(parts.rows) > 3
    keep = torch.ones(len(parts.rows), parts.tokens.lengths[0], dtype=torch.bool)
    with torch.no_grad():
        each = model.net(torch.from_numpy(parts.tokens.padded()[0]), keep)
    np.testing.assert_allclose(model.outputs(batch)["logits"][0], each.mean(0), atol=1e-5)


def test_a_text_of_a_megabyte_is_learned_from_and_answered():
    source = remarks(60)
    source["text"][4] = "tasty and fresh " * 70_000
    source["label"][4] = "praise"
    model, splits = fitted(source, epochs=1, window=64)
    assert len(source["text"][4]) > 1_000_000
    assert any(each.kind == "long" and "1 of 40 texts" in each.message for each in splits.train.concerns())
    assert np.isfinite(model.predict_proba([source["text"][4]])).all()


def test_texts_of_any_script_and_none_are_answered(small):
    model, _ = small
    chances = model.predict_proba(["", "شكرا جزيلا", "🍲👍🏽", "a\x00b\ufeff", "很好吃", "x" * 10_000])
    np.testing.assert_allclose(chances.sum(1), 1.0)


@pytest.mark.parametrize("network", ["lstm", "gru", "temporal_cnn", "transformer_encoder"])
def test_every_network_learns_which_words_tell(network):
    model, splits = fitted(remarks(150), network=network, window=32)
    scores = model.task.metrics(model.answer(splits.valid), splits.valid)
    assert scores["accuracy"] >= 0.9


def test_several_labels_are_each_learned_on_their_own(tmp_path):
    rng = np.random.default_rng(0)
    given = [[name for name in ("hot", "sweet", "new") if rng.random() < 0.4] for _ in range(180)]
    source = {"text": ["it was fine " + " ".join(each) for each in given], "label": given}
    model, splits = fitted(source, several_labels=True, epochs=6)
    scores = model.task.metrics(model.answer(splits.valid), splits.valid)
    assert model.task.main_metric == "f1_micro"
    assert scores["f1_micro"] > 0.9
    again = load(model.save(tmp_path / "model"))
    assert again.predict(["it was fine sweet hot"]).tolist() == [["hot", "sweet"]]
    names = [each.name for each in model.task.baselines(Splits(splits.train, splits.valid, splits.valid))]
    assert names == ["majority", "tfidf"]


def test_a_published_encoder_is_loaded_tuned_and_needed_no_more_once_saved(bert, tmp_path):
    folder = tmp_path / "published"
    shutil.copytree(bert, folder)
    model, splits = fitted(remarks(120), base=str(folder), epochs=3, learning_rate=3e-3)
    before = TransformerEncoder(**{**model.facts["encoder"]})
    assert before.pooler is None
    scores = model.task.metrics(model.answer(splits.valid), splits.valid)
    assert scores["accuracy"] >= 0.9
    saved = model.save(tmp_path / "model")
    shutil.rmtree(folder)
    again = load(saved)
    np.testing.assert_array_equal(again.predict_proba(["fresh tea"]), model.predict_proba(["fresh tea"]))


def test_tuning_begins_at_the_published_weights(bert):
    task = KIND(resolve(KIND.Options, {"base": str(bert), "threads": 1}))
    rows = task.read(remarks(30))
    facts = task.learn(rows)
    data = Splits(task.encode(rows, facts), task.encode(rows, facts))
    net = task.build(facts)
    next(iter(task.plan(net, data, facts, Run(task.options, None))))
    published, _ = texts_encoder(bert)
    for name, value in net.encoder.state_dict().items():
        torch.testing.assert_close(value, published[name], rtol=0, atol=0)


def texts_encoder(folder):
    from deepfit.nn.pretrained_text import load_encoder

    encoder, notes = load_encoder(folder)
    return encoder.state_dict(), notes


def test_a_window_that_the_encoder_has_no_places_for_is_refused(bert):
    task = KIND(resolve(KIND.Options, {"base": str(bert), "window": 39}))
    with pytest.raises(OptionError, match="has places for 38 tokens"):
        task.learn(task.read(remarks(30)))
    assert KIND(resolve(KIND.Options, {"base": str(bert)})).learn(task.read(remarks(30)))["window"] == 38


def test_a_folder_without_a_published_encoder_is_refused(tmp_path):
    task = KIND(resolve(KIND.Options, {"base": str(tmp_path)}))
    with pytest.raises(ArtifactError, match=r"config\.json: there is no such file"):
        task.learn(task.read(remarks(30)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"base": "x", "network": "lstm"}, "--network lstm has no effect with --base"),
        ({"base": "x", "vocabulary": 500}, "--vocabulary has no effect with --base"),
        ({"several_labels": True, "pairs": 9}, "--pairs has no effect with --several-labels"),
        ({"layer_decay": 0.5}, "--layer-decay has no effect without --base"),
        ({"label_separator": ","}, "--label-separator has no effect without --several-labels"),
        ({"several_labels": True, "loss": "focal"}, "--loss focal has no effect with --several-labels"),
        ({"several_labels": True, "class_weight": "balanced"}, "--class-weight balanced has no effect"),
        ({"dropout": -0.5}, "--dropout is a share"),
    ],
)
def test_a_setting_without_an_effect_is_an_error(options, said):
    with pytest.raises(OptionError, match=said):
        resolve(KIND.Options, options)


def test_a_label_that_training_did_not_have_is_named_with_its_row(tmp_path, small):
    path = tmp_path / "test.csv"
    path.write_text("text,label\ngood,praise\nodd,shrug\n")
    model, _ = small
    with pytest.raises(DataError, match=r"test\.csv, row 3, column 'label': received 'shrug'"):
        model.task.encode(model.read(path), model.facts)


def test_the_words_that_told_stand_out(small):
    model, _ = small
    praise = np.array([model.classes.index("praise")] * 2)
    rows = model.read(["the soup was tasty and fresh", "the soup was stale and bland"])
    (text, words, more), (_, against, _) = model.task.saliency(model.net, rows, model.facts, praise)
    shares = {text[start:stop]: share for start, stop, share in words}
    assert not more
    assert list(shares) == ["the", "soup", "was", "tasty", "and", "fresh"]
    assert min(shares["tasty"], shares["fresh"]) > max(shares["the"], shares["soup"], shares["was"])
    assert sum(share for *_, share in against) < 0


def test_balanced_class_weights_choose_the_epoch_by_balanced_accuracy():
    task = KIND(resolve(KIND.Options, {"class_weight": "balanced", "vocabulary": 300, "threads": 1}))
    rows = task.read(remarks(40))
    facts = task.learn(rows)
    data = Splits(task.encode(rows, facts), task.encode(rows, facts))
    phase = next(iter(task.plan(task.build(facts), data, facts, Run(task.options, None))))
    assert phase.best == "balanced_accuracy"


def test_few_rows_are_passed_over_often_and_much_text_seldom(bert):
    def epochs(rows, tokens, **given):
        options = resolve(KIND.Options, given)
        return texts.settle(options, Ragged.of([np.zeros(tokens, np.int32)] * rows, np.int32), 256).epochs

    assert [epochs(100, 20), epochs(3600, 90), epochs(20_000, 20)] == [60, 8, 4]
    assert [
        epochs(100, 20, base=str(bert)),
        epochs(3600, 90, base=str(bert)),
        epochs(9000, 300, base=str(bert)),
    ] == [10, 3, 1]


def test_the_answer_weighs_the_linear_part_and_the_rest(small):
    model, _ = small
    rows = model.read(["the tea was tasty and stale"])
    tokens = torch.from_numpy(model.task.encode(rows, model.facts)["tokens"].values)[None]
    keep, net = torch.ones_like(tokens, dtype=torch.bool), model.net
    with torch.no_grad():
        both, linear = net(tokens, keep), net.bag(tokens, keep)
        bag, net.bag = net.bag, None
        alone = net(tokens, keep)
        net.bag = bag
    torch.testing.assert_close(both, BAG_SHARE * linear + (1 - BAG_SHARE) * alone)
    assert min(linear.abs().max(), alone.abs().max()) > 0.01


def test_beside_a_published_encoder_the_linear_part_has_its_share_and_training_leaves_it_out(bert):
    task = KIND(resolve(KIND.Options, {"base": str(bert), "threads": 1}))
    rows = task.read(remarks(30))
    facts = task.learn(rows)
    data = Splits(task.encode(rows, facts), task.encode(rows, facts))
    net = task.build(facts)
    next(iter(task.plan(net, data, facts, Run(task.options, None))))
    net.eval()
    tokens, keep = torch.randint(5, 60, (2, 9)), torch.ones(2, 9, dtype=torch.bool)
    with torch.no_grad():
        both, linear = net(tokens, keep), net.bag(tokens, keep)
        net.bag = None
        alone = net(tokens, keep)
    torch.testing.assert_close(both, BASE_BAG_SHARE * linear + (1 - BASE_BAG_SHARE) * alone)
    assert linear.abs().max() > 0.01
    assert "pairs" not in KIND(resolve(KIND.Options, {"base": str(bert), "pairs": 0})).learn(rows)


def test_while_training_the_rest_speaks_alone(small):
    net = small[0].task.build(small[0].facts)
    net.token_dropout = net.dropout = 0.0
    tokens, keep = torch.randint(5, 300, (2, 9)), torch.ones(2, 9, dtype=torch.bool)
    torch.manual_seed(0)
    before = net.train()(tokens, keep)
    net.bag.bias_O.fill_(9.0)
    torch.manual_seed(0)
    torch.testing.assert_close(net(tokens, keep), before)
    assert (net.eval()(tokens, keep) > BAG_SHARE * 9.0 - 2.0).all()


def test_the_linear_part_learns_from_training_rows_alone_and_stays_as_it_was_fitted(small):
    model, splits = small
    again = model.task.build(model.facts)
    data = Splits(*(model.task.encode(part, model.facts) for part in (splits.train, splits.valid)))
    changed = Splits(data.train, {**data.valid, "target": 1 - data.valid["target"]})
    next(iter(model.task.plan(again, changed, model.facts, Run(model.task.options, None))))
    assert torch.equal(again.bag.weights_FO, model.net.bag.weights_FO)
    assert again.bag.weights_FO.abs().max() > 0


def test_what_the_linear_part_says_is_shared_among_the_tokens_exactly(small):
    model, _ = small
    rows = model.read(["the soup was tasty tasty and fresh"])
    tokens = model.task.encode(rows, model.facts)["tokens"].row(0)
    bag = model.net.bag
    with torch.no_grad():
        said = bag(torch.from_numpy(tokens)[None], torch.ones(1, len(tokens), dtype=torch.bool))[0]
    shares = texts._of_bag(bag, tokens, 1, np.array([0]))
    expected = (said[1] - bag.bias_O[1]) - (said[0] - bag.bias_O[0])
    np.testing.assert_allclose(shares.sum(), expected, rtol=1e-4)


def test_a_model_of_a_version_without_a_linear_part_is_loaded_and_answers_as_before(tmp_path):
    model, _ = fitted(remarks(60), epochs=1, pairs=0)
    assert "pairs" not in model.facts
    assert not [name for name in model.net.state_dict() if name.startswith("bag")]
    path = model.save(tmp_path / "model")
    config = json.loads((path / "config.json").read_text())
    del config["options"]["pairs"]  # as such a version wrote it
    (path / "config.json").write_text(json.dumps(config))
    np.testing.assert_array_equal(load(path).predict_proba(["tasty tea"]), model.predict_proba(["tasty tea"]))
