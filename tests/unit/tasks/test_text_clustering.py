"""Clustering of texts end to end: by words and by an encoder, a chosen number, odd texts, errors."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
import torch

from deepfit import catalog, report
from deepfit.api import follow
from deepfit.errors import DataError, OptionError
from deepfit.job.prepare import prepare
from deepfit.model import load
from deepfit.nn.pretrained_text import load_sentence_encoder
from deepfit.options import resolve
from deepfit.plans import text_clusters

TASK = "text-clustering"
FAST = {"threads": 1, "seed": 0, "epochs": 12, "batch_size": 64, "width": 32, "code": 4}
WORDS = [f"{a}{b}{c}" for a in "pqrst" for b in "iou" for c in "bcdfgh"]
TOPICS = {
    "delivery": [
        "parcel",
        "late",
        "courier",
        "box",
        "damaged",
        "delivery",
        "waiting",
        "postman",
        "📦",
        "arrived",
    ],
    "price": [
        "expensive",
        "price",
        "cheaper",
        "discount",
        "coupon",
        "refund",
        "money",
        "paid",
        "cost",
        "charge",
    ],
    "app": ["تسجيل", "الدخول", "كلمة", "المرور", "خطأ", "شاشة", "تحديث", "بطيء", "صفحة", "زر"],
}


def feedback(count=240, seed=0):
    """Remarks of customers on three topics, one of them written from right to left."""
    rng = np.random.default_rng(seed)
    topic = rng.choice(list(TOPICS), count)
    shared = ["please", "really", "again", "today", "order", "shop"]
    texts = [
        " ".join([*rng.choice(TOPICS[each], 5, replace=False), *rng.choice(shared, 2, replace=False)])
        for each in topic.tolist()
    ]
    return {"text": texts, "topic": topic.tolist()}


def run(source, folder, **options):
    return follow(prepare(source, task=TASK, options={**FAST, **options}, out=folder))


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    """From a list of texts: without a target, without a number."""
    return run(feedback()["text"], tmp_path_factory.mktemp("run") / "run", dimensions=6)


def test_the_number_of_clusters_is_found_and_the_report_says_what_they_are(chosen):
    assert set(chosen.answers.columns["prediction"]) == {0, 1, 2}
    page = report.write(chosen).read_text()
    assert "3 clusters were chosen" in page
    assert "Map of the clusters" in page
    assert "Words that tell the clusters apart" in page
    assert "Texts at the centres" in page
    assert re.search(r"Cluster 0 \(\d+% of the texts\): “[^”]+” in \d+% against 0% of others", page)


def test_without_a_target_the_silhouette_is_scored_and_comparison_with_labels_is_refused(chosen):
    card = chosen.scorecard
    assert set(card["metrics"]) == {"silhouette"}
    assert set(card["baselines"]) == {"tfidf_k_means", "lsa_k_means", "lsa_gaussian_mixture"}
    with pytest.raises(DataError, match="trained without --target"):
        chosen.model.evaluate(feedback())


def test_new_texts_of_any_kind_are_answered_the_empty_ones_too(chosen):
    texts = feedback(4, seed=5)["text"]
    odd = ["", "   ", "unheard-of", "🍲👍🏽", "שלום עולם", "x" * 1_000_000, f"{texts[0]} " * 20_000]
    answers = chosen.model.answers([*texts, *odd, texts[0]])
    columns = answers.columns
    shares = np.stack([columns[f"probability_{place}"] for place in range(3)], axis=1)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)
    np.testing.assert_array_equal(columns["prediction"], shares.argmax(1))
    np.testing.assert_allclose(shares[0], shares[-1], atol=1e-6)
    # of the same words as often as each other, however long: the same cluster
    assert columns["prediction"][10] == columns["prediction"][0]
    # of no known word: all alike
    np.testing.assert_allclose(shares[4:7], shares[[4]].repeat(3, 0), atol=1e-6)


def test_texts_of_a_folder_are_clustered_and_its_folders_are_labels_only_where_asked(chosen, tmp_path):
    source = feedback(60, seed=1)
    for place, (text, topic) in enumerate(zip(source["text"], source["topic"], strict=True)):
        (tmp_path / "in" / topic).mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / topic / f"{place:02}.txt").write_text(text, encoding="utf-8")
    rows = {}
    for target in (None, "label"):
        task = catalog.find(TASK)(resolve(catalog.find(TASK).Options, {"target": target}))
        rows[target] = task.read(tmp_path / "in")
        assert len(rows[target]) == 60
        assert "words" in task.learn(rows[target])
    assert rows[None].target() is None
    assert sorted(set(rows["label"].target())) == ["app", "delivery", "price"]
    assert ("label", "target", "to be compared with") in [each[:3] for each in rows["label"].describe()]
    assert len(chosen.model.answers(str(tmp_path / "in"))) == 60


def test_with_a_target_agreement_is_scored_and_the_saved_model_finds_the_same_in_new_texts(tmp_path):
    source = feedback()
    source["text"][3] = ""
    result = run(source, tmp_path / "run", target="topic", clusters=3, dimensions=6)
    assert set(result.scorecard["metrics"]) == {"nmi", "ari", "accuracy", "silhouette"}
    assert result.scorecard["metrics"]["nmi"]["value"] > 0.8
    again = load(result.run / "model")
    assert again.evaluate(feedback(seed=1))["metrics"]["accuracy"]["value"] > 0.9
    vectors = again.embed(feedback(20, seed=2)["text"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(again.net.reader.axes_VP, result.model.net.reader.axes_VP)


@pytest.fixture
def weights(trained):
    """The encoded splits and the weights of a short training with these options."""
    return lambda source, **options: trained(TASK, source, [160, 200], **{**FAST, "epochs": 2, **options})


def test_training_never_sees_the_target(weights):
    frame = feedback()
    shuffled = {**frame, "topic": np.random.default_rng(1).permutation(frame["topic"]).tolist()}
    found = [
        weights(frame, target="topic", clusters=3),
        weights(shuffled, target="topic", clusters=3),
        weights({"text": frame["text"]}, clusters=3),
    ]
    assert all(set(data.train) == {"words", "counts"} for data, _ in found)
    for _, other in found[1:]:
        assert all(torch.equal(found[0][1][name], other[name]) for name in other)


def test_axes_are_learned_from_training_texts_alone(weights):
    frame = feedback()
    other = {"text": [*frame["text"][:200], *(f"{text} parcel late" for text in frame["text"][200:])]}
    _, one = weights(frame, clusters=3)
    _, two = weights(other, clusters=3)
    assert torch.equal(one["reader.axes_VP"], two["reader.axes_VP"])
    assert one["reader.axes_VP"].abs().sum() > 0


@pytest.fixture(scope="module")
def base(write_encoder):
    return write_encoder(WORDS)


def made(count, seed=0):
    """Texts of two topics, in words that the made encoder knows; every fifth is longer than it reads."""
    rng = np.random.default_rng(seed)
    topic = rng.integers(0, 2, count)
    lengths = np.where(np.arange(count) % 5, 12, 40)
    texts = [
        " ".join(rng.choice(WORDS[45 * each : 45 * each + 4], length))
        for each, length in zip(topic, lengths, strict=True)
    ]
    return {"text": texts, "topic": np.array(["a", "b"])[topic].tolist()}


def test_with_a_base_texts_are_compared_by_its_vectors_and_its_folder_is_not_needed_afterwards(
    base, tmp_path
):
    folder = shutil.copytree(base, tmp_path / "base")
    result = run(made(160), tmp_path / "run", base=str(folder), target="topic", clusters=2)
    card = result.scorecard
    assert card["metrics"]["nmi"]["value"] > 0.8
    assert {"embedding_k_means", "embedding_gaussian_mixture", "lsa_k_means"} < set(card["baselines"])
    shutil.rmtree(folder)
    again = load(result.run / "model")
    new = made(10, seed=3)
    encoder, _ = load_sentence_encoder(base)
    for name, value in encoder.state_dict().items():
        if "pooler" not in name:
            assert torch.equal(again.net.reader.state_dict()[name], value), name
    np.testing.assert_array_equal(
        again.answers(new["text"]).columns["confidence"],
        result.model.answers(new["text"]).columns["confidence"],
    )


def test_of_a_long_text_all_windows_count_and_its_end_changes_the_point(base):
    task = catalog.find(TASK)(resolve(catalog.find(TASK).Options, {"base": str(base), "clusters": 2}))
    text = " ".join(WORDS[:40])
    rows = task.read([text, " ".join([*WORDS[:39], WORDS[80]]), " ".join(WORDS[:6])])
    facts = task.learn(rows)
    reader = text_clusters.reader(facts)
    text_clusters.learn_reader(reader, {}, facts, base=str(base), seed=0)
    whole, changed, _ = text_clusters.points(reader, task.encode(rows, facts), facts)
    assert np.abs(whole - changed).max() > 1e-4
    # 40 tokens in windows of 14 that overlap by 3: four, each with the same share
    encoder, _ = load_sentence_encoder(base)
    starts = np.rint(np.arange(4) * 26 / 3).astype(int)
    number = {word: 5 + place for place, word in enumerate(WORDS)}
    windows = torch.tensor([[2, *(number[word] for word in WORDS[at : at + 14]), 3] for at in starts])
    with torch.no_grad():
        mean = encoder(windows, torch.ones_like(windows, dtype=torch.bool)).mean(0).numpy()
    np.testing.assert_allclose(whole, mean / np.linalg.norm(mean), atol=1e-5)


def test_options_that_have_no_effect_with_a_base_and_one_cluster_are_refused():
    options = catalog.find(TASK).Options
    for name in ("vocabulary", "dimensions"):
        with pytest.raises(OptionError, match=f"--{name} has no effect with --base"):
            resolve(options, {"base": "folder", name: 30})
    with pytest.raises(OptionError, match=r"clusters.*one cluster holds every row"):
        resolve(options, {"clusters": 1})


@pytest.mark.parametrize(
    ("texts", "options", "said"),
    [
        (["So good"] * 40, {}, "training texts are the same"),
        ([f"tea rice {place % 7}x" for place in range(40)], {"clusters": 8}, "8 clusters were asked for"),
        ([f"word{place}" for place in range(40)], {}, "share a word"),
        (["", None, " "] * 10, {}, "every one of its 30 texts is empty"),
    ],
)
def test_texts_without_groups_to_find_are_refused_before_training(texts, options, said, tmp_path):
    with pytest.raises(DataError, match=said):
        run({"text": texts}, tmp_path / "run", **options)
    assert not (tmp_path / "run" / "checkpoint").exists()


def test_a_column_of_texts_is_asked_for_by_name(tmp_path):
    with pytest.raises(DataError, match="no column 'text' of texts"):
        run({"remark": feedback()["text"]}, tmp_path / "run")
