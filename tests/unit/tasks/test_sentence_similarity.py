"""Learning from pairs as a user does: with partners, with ratings, from a published folder."""

from __future__ import annotations

import numpy as np
import pytest

from deepfit.api import follow
from deepfit.contract import Splits
from deepfit.data.pairs import read_pairs
from deepfit.engine import Run, train
from deepfit.errors import DataError, OptionError
from deepfit.job.prepare import prepare
from deepfit.model import load
from deepfit.options import resolve
from deepfit.tasks.sentence_similarity import Options, SentenceSimilarity

WORDS = [f"{a}{b}{c}" for a in "bdfgk" for b in "aeo" for c in "lmnrst"]  # 90 words of three letters
QUICK = {"epochs": 16, "batch_size": 32, "vocabulary_size": 400, "width": 32, "threads": 1}


def sentences(count, seed):
    """Places of words, five a sentence, and the same sentence in either of two made languages."""
    rng = np.random.default_rng(seed)
    chosen = np.array([rng.choice(40, 5, replace=False) for _ in range(count)])
    return chosen, *(
        [" ".join(WORDS[by + 45 * language] for by in row) for row in chosen] for language in (0, 1)
    )


def rated(count, seed):
    """Sentences that share none to five of the words that count, among ten that do not, rated 1 to 11."""
    rng = np.random.default_rng(seed)
    chosen, first, _ = sentences(count, seed)
    shared = rng.integers(0, 6, count)
    other = [
        [*row[:number], *rng.choice(np.setdiff1d(np.arange(40), row), 5 - number, replace=False)]
        for row, number in zip(chosen.tolist(), shared, strict=True)
    ]
    second = [" ".join(WORDS[by] for by in row) for row in other]
    both = [
        [f"{text} {' '.join(rng.choice(WORDS[45:60], 10))}" for text in texts] for texts in (first, second)
    ]
    return {"sentence1": both[0], "sentence2": both[1], "score": 1.0 + 2 * shared}


@pytest.fixture(scope="module")
def partners(tmp_path_factory):
    _, first, second = sentences(400, 0)
    out = tmp_path_factory.mktemp("partners") / "run"
    source = {"anchor": first, "positive": second}
    return follow(prepare(source, task="sentence-similarity", options=QUICK, out=out))


@pytest.fixture(scope="module")
def ratings(tmp_path_factory):
    out = tmp_path_factory.mktemp("ratings") / "run"
    return follow(prepare(rated(500, 1), options=QUICK, out=out))


@pytest.fixture(scope="module")
def base(write_encoder):
    return write_encoder(WORDS)


def test_partners_in_another_language_are_found_where_words_in_common_find_none(partners):
    card = partners.scorecard
    assert card["metrics"]["accuracy_at_10"]["value"] > 0.8
    assert list(card["baselines"]) == ["shared_words", "tfidf_words", "tfidf_characters"]
    assert card["baselines"]["shared_words"]["mrr"]["value"] < 0.1
    assert card["verdict"].startswith("Better")


def test_the_report_shows_likeness_lost_partners_and_a_map(partners):
    page = (partners.run / "report.html").read_text("utf-8")
    for title in ("Learning curves", "How alike", "Lost partners", "Map of the texts"):
        assert f"<h2>{title}</h2>" in page
    assert "Predicted and rated" not in page
    assert page.count('<rect class="bar c1"') == len(partners.test)


def test_a_loaded_model_answers_pairs_and_scores_rated_ones_too(partners):
    model = load(partners.run)
    answers = model.answers([("bal ban", "dal dan"), ("", "dal"), ("bal 🍲 שלום", "bal 🍲 שלום")])
    assert list(answers.columns) == ["prediction", "rank"]
    assert answers.columns["prediction"][2] == pytest.approx(1.0, abs=1e-5)
    assert answers.columns["prediction"][1] == 0
    scores = model.evaluate(rated(120, 2))
    assert scores["metrics"]["spearman"]["value"] > 0.3
    assert "mrr" in model.evaluate({"anchor": ["bal ban", "bar"], "positive": ["dal", "dam"]})["metrics"]


def test_ratings_are_predicted_in_their_range_and_order(ratings):
    metrics = ratings.scorecard["metrics"]
    assert metrics["spearman"]["value"] > 0.75
    words = ratings.scorecard["baselines"]["tfidf_words"]["spearman"]["value"]
    assert words > metrics["spearman"]["value"]  # the ratings count shared words, and so do these
    assert not ratings.scorecard["verdict"].startswith("Better")
    assert {"spearman", "pearson"} == set(metrics)
    columns = ratings.answers.columns
    assert list(columns) == ["prediction", "similarity"]
    assert columns["prediction"].min() >= 1
    assert columns["prediction"].max() <= 11
    assert np.abs(columns["prediction"] - ratings.test.target()).mean() < 2.5
    page = (ratings.run / "report.html").read_text("utf-8")
    for title in ("Predicted and rated", "Most wrong", "How alike"):
        assert f"<h2>{title}</h2>" in page
    with pytest.raises(DataError, match=r"no column 'score' of ratings"):
        load(ratings.run).evaluate({"anchor": ["a", "b"], "positive": ["c", "d"]})


@pytest.mark.parametrize("loss", ["mean_squared_error", "cosent"])
def test_both_losses_of_ratings_lower_the_training_loss(loss):
    task = SentenceSimilarity(resolve(Options, {**QUICK, "loss": loss}))
    last = losses_of(task, task.read(rated(200, 3)))
    assert last[-1] < 0.9 * last[0]


def losses_of(task, rows):
    """The training loss of each epoch on the first three quarters of the rows."""
    count = len(rows)
    parts = [
        rows.take(np.arange(count)[part]) for part in (slice(0, 3 * count // 4), slice(3 * count // 4, None))
    ]
    facts = task.learn(parts[0])
    data = Splits(*(task.encode(part, facts) for part in parts))
    run = Run(task.options, None)
    run.seed("build")
    net = task.build(facts)
    return [
        next(iter(each.losses.values()))
        for each in train(task, net, data, facts, run)
        if each.kind == "epoch"
    ]


@pytest.mark.parametrize("network", ["word_average", "transformer_encoder"])
def test_third_texts_are_pushed_away(network):
    _, first, second = sentences(120, 4)
    rows = read_pairs({"anchor": first, "positive": second, "negative": [*second[1:], second[0]]})
    task = SentenceSimilarity(resolve(Options, {**QUICK, "network": network, "epochs": 2}))
    assert "negative" in task.encode(rows, task.learn(rows))
    last = losses_of(task, rows)
    assert last[-1] < last[0]


def test_a_published_folder_is_the_beginning_and_a_baseline(base, tmp_path):
    _, first, second = sentences(240, 5)
    options = {"base": str(base), "epochs": 2, "threads": 1, "batch_size": 32, "learning_rate": 3e-3}
    job = prepare({"anchor": first, "positive": second}, options=options, out=tmp_path / "run")
    result = follow(job)
    scores = {name: each["mrr"]["value"] for name, each in result.scorecard["baselines"].items()}
    assert "base_as_it_is" in scores
    assert result.scorecard["metrics"]["mrr"]["value"] > scores["base_as_it_is"]
    asked = {"anchor": first[:5], "positive": second[:5]}
    before = result.model.answers(asked).columns["prediction"]
    for path in sorted(base.glob("**/*"), reverse=True):
        path.rename(path.with_name(path.name + ".gone"))  # an artifact needs no file of the training machine
    np.testing.assert_array_equal(load(tmp_path / "run").answers(asked).columns["prediction"], before)


def test_long_texts_are_answered_whole_and_quickly(partners):
    model = partners.model
    million = "bal " * 250_000
    vectors = model.embed([million, "bal", "bal " * 300 + "dat " * 900, "dat"])
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-5)
    assert vectors[0] @ vectors[1] > 0.99
    assert vectors[2] @ vectors[3] > vectors[2] @ vectors[1]  # most of it stands behind the first window


def test_embedding_one_text_is_embedding_it_among_others(partners):
    texts = ["bal ban", "dat", "bal 🍲", "שלום"]
    whole = partners.model.embed(texts)
    for row, text in enumerate(texts):
        np.testing.assert_allclose(partners.model.embed([text])[0], whole[row], atol=1e-6)


BAD = [
    ({"first": "a"}, "--first and --second go together"),
    ({"base": "x", "width": 3}, "--width has no effect with --base"),
    ({"loss": "cosent", "temperature": 0.1}, "--temperature has no effect with --loss cosent"),
    ({"loss": "triplet"}, "triplet"),
    ({"network": "lstm"}, "lstm"),
]


@pytest.mark.parametrize(("given", "said"), BAD)
def test_settings_without_an_effect_are_refused(given, said):
    with pytest.raises(OptionError, match=said):
        resolve(Options, given)


def test_a_loss_that_does_not_fit_the_pairs_is_refused_before_training():
    with pytest.raises(OptionError, match="learns from ratings, and the arrays has none"):
        SentenceSimilarity(resolve(Options, {"loss": "cosent"})).read({"anchor": ["a"], "positive": ["b"]})
    with pytest.raises(OptionError, match="rates them by 'score'"):
        SentenceSimilarity(resolve(Options, {"loss": "in_batch_contrastive"})).read(rated(4, 0))
    task = SentenceSimilarity(resolve(Options, {"network": "transformer_encoder", "width": 30}))
    with pytest.raises(OptionError, match="multiple of 4"):
        task.build(task.learn(task.read(rated(40, 0))))


def test_the_task_is_inferred_from_pairs_alone():
    assert SentenceSimilarity.suits(rated(3, 0), None)
    assert SentenceSimilarity.suits({"text": ["a", "b"], "label": ["x", "y"]}, "label") is None
