"""Clustering of texts: deepfit with default options beside k-means and Gaussian mixtures, several seeds.

    python benchmarks/quality_text_clustering.py --data /path/to/data --base /path/to/MiniLM --seeds 2

Real texts whose labels are hidden from training and compared with the clusters; as many clusters as labels,
at most --most texts of a set, drawn anew with each seed; a fifth of them is held out.
- articles: passages of Wikipedia by article, of the articles with 25 passages or more
  (question_answering/*.jsonl in SQuAD's fields: the contexts, and the titles as labels)
- packages: descriptions of Debian's packages by section, of science, games, web, sound, net, admin, graphics
  and devel (summarization/*.jsonl: id, document; sections from `apt-cache dumpavail`)
- books: verses of the Bible by book, of ten books with many verses (sentence_similarity/verses_*.csv)
- emails: spam or not (text_spam/*.csv)
Without --base texts are compared by words (tfidf_k_means, lsa_k_means, lsa_gaussian_mixture beside network),
with it by the encoder's vectors, too (network_base beside embedding_k_means, embedding_gaussian_mixture). All
learn from the same training texts and place the same held-out ones, through `deepfit train ... --json`.
The defaults (25 dimensions of words, the weight of a word, noise) were chosen with the labels of articles,
packages and books in sight, those of held-out rows of other splits too; the labels of emails were in sight
for the number of dimensions alone, of which they would have had fewer.
Prints the median NMI over the seeds and writes benchmarks/results/quality_text_clustering.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from clustering_runs import every, scorecard, scores

TASK = "text-clustering"
SECTIONS = {"science", "games", "web", "sound", "net", "admin", "graphics", "devel"}
BOOKS = {"Psalms", "Genesis", "Isaiah", "Luke", "Numbers", "Job", "Proverbs", "Leviticus", "Acts", "I Kings"}
FEWEST_PASSAGES = 25
RESULTS = Path(__file__).parent / "results" / "quality_text_clustering.json"

Labelled = list[tuple[str, str]]
"""Texts and their labels."""


def main() -> None:
    """Measure everything asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the folders named above")
    parser.add_argument("--base", type=Path, help="folder of a published sentence encoder")
    parser.add_argument("--seeds", type=int, default=2, help="runs on each set, each with its own split")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--most", type=int, default=1500, help="texts of a set")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    every(given.sets, given.seeds, lambda name, seed, scratch: measure(name, seed, scratch, given), given.out)


def measure(name: str, seed: int, scratch: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Scores of every method on the same held-out texts."""
    labelled = SETS[name](given.data)
    order = np.random.default_rng(seed).permutation(len(labelled))[: given.most].tolist()
    parts = {"test": order[: len(order) // 5], "train": order[len(order) // 5 :]}
    for part, rows in parts.items():
        with (scratch / f"{part}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("text", "label"), *(labelled[row] for row in rows)])
    how: dict[str, Any] = {
        "clusters": len({label for _, label in labelled}),
        "seed": seed,
        "threads": given.threads,
    }
    begun = time.perf_counter()
    card = scorecard(TASK, scratch, **how)
    record: dict[str, Any] = {
        "seconds": round(time.perf_counter() - begun, 1),
        "clusters": how["clusters"],
        "rows": card["rows"],
        "verdict": card["verdict"],
        "interval": [card["metrics"]["nmi"][end] for end in ("low", "high")],
    }
    found: dict[str, dict[str, float]] = scores(card)
    if given.base is not None:
        begun = time.perf_counter()
        card = scorecard(TASK, scratch, options=["--base", str(given.base)], **how)
        record["seconds_base"] = round(time.perf_counter() - begun, 1)
        record["verdict_base"] = card["verdict"]
        with_base = scores(card)
        found["network_base"] = with_base.pop("network")
        found |= {method: each for method, each in with_base.items() if method.startswith("embedding")}
    return {**record, "scores": found}


def articles(data: Path) -> Labelled:
    """Passages of Wikipedia and the article each is of."""
    title_of = {row["context"]: row["title"] for row in _json_lines(data / "question_answering")}
    counts = Counter(title_of.values())
    return [each for each in title_of.items() if counts[each[1]] >= FEWEST_PASSAGES]


def packages(data: Path) -> Labelled:
    """Descriptions of packages and the section of Debian each is in."""
    section_of, name = {}, ""
    listed = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        if line.startswith("Package: "):
            name = line.removeprefix("Package: ")
        elif line.startswith("Section: "):
            section_of[name] = line.removeprefix("Section: ")
    found = [(row["document"], section_of.get(row["id"], "")) for row in _json_lines(data / "summarization")]
    return [each for each in found if each[1] in SECTIONS]


def books(data: Path) -> Labelled:
    """Verses and the book each is in."""
    rows = [
        row for part in ("train", "test") for row in _csv(data / f"sentence_similarity/verses_{part}.csv")
    ]
    found = [(row["world_english"], row["verse"].rpartition(" ")[0]) for row in rows]
    return [each for each in found if each[1] in BOOKS]


def emails(data: Path) -> Labelled:
    """E-mails, and whether each is spam."""
    return [
        (row["text"], row["label"])
        for part in ("train", "test")
        for row in _csv(data / f"text_spam/{part}.csv")
    ]


def _json_lines(folder: Path) -> list[dict[str, str]]:
    return [
        json.loads(line)
        for part in ("train", "test")
        for line in (folder / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    ]


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


SETS = {"articles": articles, "packages": packages, "books": books, "emails": emails}


if __name__ == "__main__":
    main()
