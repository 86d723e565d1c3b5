"""Texts a second of fine-tuning one encoder on the same texts from the same weights, beside Hugging Face.

    python benchmarks/text_finetuning.py --data reviews.csv --base FOLDER --peer-python PYTHON --steps 12

Contenders, each a process of its own, all alive at once, take one step each in turn: `deepfit`, the task
text-classification through its own plan and engine; `hf_longest`, the Trainer of transformers with its
defaults and texts padded to the longest of a batch; `hf_max_length`, padded to --window, as the tutorials'
map(padding="max_length") does; `hf_group_by_length`, batches of similar length. All take batches of --batch
texts, cut to the window (so that the work is the same; deepfit by itself reads long texts in windows), AdamW,
dropout as the folder says. A step of the contenders holds other texts, so speed is texts over seconds, summed
over all steps after two. The Trainer's groups begin with the longest texts of a pool of 50 batches, so only
whole pools compare with it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import contenders
import rounds
import turns
from turns import turn

WARM_UP = 2
RESULTS = Path(__file__).parent / "results" / "text_finetuning.json"
HUGGING_FACE = {
    "hf_longest": {"padding": "longest"},
    "hf_max_length": {"padding": "max_length"},
    "hf_group_by_length": {"padding": "longest", "grouped": True},
}


def deepfit(given: argparse.Namespace) -> None:
    """Our task, plan and engine; a batch is asked for once a turn."""
    import torch

    from deepfit import catalog
    from deepfit.contract import Phase, Splits
    from deepfit.data.text_windows import drawn_windows
    from deepfit.engine import Run, train
    from deepfit.options import resolve

    torch.set_num_threads(given.threads)
    kind = catalog.find("text-classification")
    options = {"base": given.base, "batch_size": given.batch, "window": given.window - 2, "epochs": 1000}
    task = kind(resolve(kind.Options, {**options, "threads": given.threads, "label_smoothing": 0.0}))
    rows = task.read(given.data)
    facts = task.learn(rows)
    encoded = dict(task.encode(rows, facts))
    beginnings = drawn_windows(encoded["tokens"], facts["window"], _zeros(len(rows)))
    data = Splits({**encoded, "tokens": beginnings}, {name: value[:1] for name, value in encoded.items()})

    class Paced:
        """The task with a plan whose batches wait for their turn."""

        def __getattr__(self, name: str) -> Any:
            return getattr(task, name)

        def plan(self, *arguments: Any) -> Iterator[Phase]:
            for phase in task.plan(*arguments):
                batches = phase.batches

                def paced(epoch: int, batches: Any = batches) -> Iterator[Any]:
                    for batch in batches(epoch):
                        turn()
                        yield batch

                phase.batches = paced
                phase.score = None
                phase.best = None
                yield phase

    run = Run(task.options, None)
    run.seed("build")
    for _ in train(Paced(), task.build(facts), data, facts, run):  # pyright: ignore[reportArgumentType]
        pass


def hugging_face(given: argparse.Namespace, *, padding: str, grouped: bool = False) -> None:
    """The Trainer as its documentation shows it."""
    import csv

    contenders.stand_in_for_torchvision()
    import torch
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    torch.set_num_threads(given.threads)
    csv.field_size_limit(sys.maxsize)
    with open(given.data, encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    classes = sorted({row["label"] for row in table})
    tokenizer = AutoTokenizer.from_pretrained(given.base)
    how = {"truncation": True, "max_length": given.window}
    if padding == "max_length":
        how["padding"] = "max_length"
    found = tokenizer([row["text"] for row in table], **how)
    rows = [
        {**{name: values[place] for name, values in found.items()}, "labels": classes.index(row["label"])}
        for place, row in enumerate(table)
    ]
    model = AutoModelForSequenceClassification.from_pretrained(given.base, num_labels=len(classes))

    class Turns(TrainerCallback):
        def on_step_begin(self, *arguments: Any, **further: Any) -> None:
            turn()

    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {
            "output_dir": folder,
            "per_device_train_batch_size": given.batch,
            "num_train_epochs": 1000,
            "report_to": [],
            "disable_tqdm": True,
            "save_strategy": "no",
            "logging_strategy": "no",
            "use_cpu": True,
        }
        if grouped:
            settings |= grouping(TrainingArguments)
        trainer = Trainer(
            model,
            TrainingArguments(**settings),
            train_dataset=rows,
            data_collator=DataCollatorWithPadding(tokenizer),
            callbacks=[Turns()],
        )
        trainer.train()


def grouping(kind: Any) -> dict[str, Any]:
    """What asks for batches of similar length, by the name that this version has for it."""
    names = kind.__dataclass_fields__
    return (
        {"group_by_length": True}
        if "group_by_length" in names
        else {"train_sampling_strategy": "group_by_length"}
    )


def _zeros(count: int) -> Any:
    import numpy as np

    return np.zeros(count)


def main() -> None:
    """All contenders in turn, or, with --one, a single one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="CSV with the columns text and label")
    parser.add_argument("--base", required=True, help="folder of the published encoder")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has transformers")
    parser.add_argument("--steps", type=int, default=98, help="two pools of both groupers")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--window", type=int, default=256, help="tokens of a text at most")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--contenders", nargs="+", default=["deepfit", *HUGGING_FACE])
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one == "deepfit":
        return deepfit(given)
    if given.one:
        return hugging_face(given, **HUGGING_FACE[given.one])

    settings = {name: getattr(given, name) for name in ("steps", "batch", "window", "threads")}
    words = [f"--{name}={getattr(given, name)}" for name in ("data", "base", "batch", "window", "threads")]
    commands = {
        name: [sys.executable if name == "deepfit" else given.peer_python, __file__, "--one", name, *words]
        for name in given.contenders
    }
    records = turns.measure(commands, given.steps + WARM_UP)[WARM_UP:]
    found = {}
    for name in given.contenders:
        seconds = [record[name] for record in records]
        texts_s = given.batch * len(seconds) / sum(seconds)
        found[name] = {"texts_s": texts_s, "step_s": statistics.median(seconds)}
    for name, row in found.items():
        row["times"] = row["texts_s"] / found[given.contenders[-1]]["texts_s"]
        print(
            f"{name:<20}{row['texts_s']:8.2f} texts a second, {row['times']:.2f} times {given.contenders[-1]}"
        )
    rounds.write(given.out, claim=__doc__.splitlines()[0], options=settings,
                 table=found, records=records)  # fmt: skip
    return None


if __name__ == "__main__":
    main()
