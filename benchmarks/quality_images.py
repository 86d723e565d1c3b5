"""Quality on pictures: deepfit with default options on Fashion-MNIST, beside fastai and Keras.

    python benchmarks/quality_images.py --data FOLDER_OF_UBYTE_FILES --scratch SOMEWHERE
    python benchmarks/quality_images.py ... --methods deepfit fastai keras --peer-python VENV/bin/python

The folder holds the four files of Fashion-MNIST as published, `train-images-idx3-ubyte.gz` and so on (Debian:
/usr/share/datasets/fashion-mnist of dataset-fashion-mnist). They are written to the scratch folder as a zip
of class folders, all 60,000 training pictures or a tenth of them, each with the standard test set of 10,000.
deepfit is run as a user runs it, `deepfit train ZIP --json`: its seconds contain start, reading, baselines
and report. `seconds_to_92` counts from the start of the process to the first epoch with 92 % on rows held out
of training: the curve is read from the run's TensorBoard events. The test set is scored once, at the end, by
every method.

Peers hold out the same share, train the same network at the same batch size, epochs and peak rate by their
own one-cycle (fastai) or cosine (Keras) schedule, on arrays in memory, without augmentation. Those not
installed are named as skipped. Prints a table and writes benchmarks/results/quality_images.json.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import contenders
import numpy as np

CLASSES = [
    "t_shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle_boot",
]
SETS = {"all": 1, "sample": 10}
PEERS = {"fastai": "fastai", "keras": "keras"}
GOAL = 0.92
BATCH = 128
PEAK_RATE = 5e-3
RESULTS = Path(__file__).parent / "results" / "quality_images.json"


def main() -> None:
    """Measure everything asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the four ubyte.gz files")
    parser.add_argument(
        "--scratch", type=Path, default=Path(tempfile.gettempdir()), help="where the zips are written"
    )
    parser.add_argument("--sets", nargs="+", choices=sorted(SETS), default=sorted(SETS))
    parser.add_argument("--methods", nargs="+", choices=["deepfit", *PEERS], default=["deepfit"])
    parser.add_argument("--seeds", type=int, default=1, help="runs of each method on each set")
    parser.add_argument(
        "--deepfit", nargs="+", default=[sys.executable, "-m", "deepfit"], help="starts deepfit"
    )
    parser.add_argument(
        "--options", nargs="+", default=[], help="deepfit options other than the defaults, name=value"
    )
    parser.add_argument(
        "--peer-python", default=sys.executable, help="interpreter that has the peers installed"
    )
    parser.add_argument("--peer-epochs", type=int, default=10)
    parser.add_argument("--keras-backend", default="torch", help="the fastest one on this machine")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--one-peer", nargs=3, metavar=("METHOD", "SET", "SEED"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one_peer:
        method, name, seed = given.one_peer
        print(json.dumps(run_peer(method, given.data, SETS[name], int(seed), given.peer_epochs)))
        return

    rows, skipped = [], []
    for name in given.sets:
        archive = write_zip(given.data, given.scratch / f"fashion_mnist_{name}.zip", every=SETS[name])
        for method in given.methods:
            if method != "deepfit" and not installed(given.peer_python, PEERS[method]):
                skipped.append(f"{method} ({PEERS[method]} is not installed)")
                continue
            for seed in range(given.seeds):
                row = measure(method, name, archive, seed, given)
                rows.append({"set": name, "method": method, "seed": seed, **row})
                print(rows[-1], file=sys.stderr, flush=True)
    report = {
        "machine": {"python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()[0]},
        "skipped": sorted(set(skipped)),
        "rows": rows,
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(report, indent=1) + "\n")
    print(table(rows, report["skipped"]))


def measure(method: str, name: str, archive: Path, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """One run in a process of its own: accuracy on the test set, seconds, seconds to the goal."""
    began, clock = time.time(), time.perf_counter()
    if method != "deepfit":
        here = [
            given.peer_python,
            __file__,
            "--data",
            str(given.data),
            "--peer-epochs",
            str(given.peer_epochs),
        ]
        source = Path(__file__).parent.parent / "src"
        environment = {**os.environ, "KERAS_BACKEND": given.keras_backend, "PYTHONPATH": str(source)}
        found = json.loads(last_line([*here, "--one-peer", method, name, str(seed)], environment))
        found["seconds"] = round(time.perf_counter() - clock, 1)
        return {**found, "seconds_to_92": first_at(found.pop("curve"), began)}
    with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
        command = [
            *given.deepfit,
            "train",
            str(archive),
            "--seed",
            str(seed),
            "--out",
            f"{scratch}/run",
            "--json",
        ]
        for option in given.options:
            command += ["--set", option]
        card = json.loads(last_line(command))
        seconds = round(time.perf_counter() - clock, 1)
        curve = list(read_scalars(Path(card["paths"]["run"]), "eval/", "accuracy"))
    accuracy = card["metrics"]["accuracy"]
    return {
        "accuracy": accuracy["value"],
        "low": accuracy["low"],
        "high": accuracy["high"],
        "seconds": seconds,
        "seconds_to_92": first_at(curve, began),
        "epochs_scored": len(curve),
        "baselines": {name: scores["accuracy"]["value"] for name, scores in card["baselines"].items()},
        "parts": card["seconds"],
        "peak_mb": card["peak_mb"],
    }


def first_at(curve: list[tuple[float, float]], began: float) -> float | None:
    """Seconds from `began` to the first (wall time, accuracy) that reaches the goal; None where none does."""
    return next((round(at - began, 1) for at, accuracy in curve if accuracy >= GOAL), None)


def last_line(command: list[str], environment: dict[str, str] | None = None) -> str:
    """What the command prints last on stdout; its stderr is shown where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout.strip().splitlines()[-1]


def installed(python: str, package: str) -> bool:
    """Whether that interpreter finds the package."""
    check = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    return subprocess.run([python, "-c", check], check=False).returncode == 0


def read_ubyte(path: Path) -> np.ndarray:
    """The array of an IDX file: two zeros, type 8 (bytes), number of axes, big-endian axes, the bytes."""
    content = gzip.decompress(path.read_bytes())
    axes = content[3]
    shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def read_part(data: Path, part: str, every: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Pictures [rows, 28, 28] and labels [rows] of "train" or "t10k", every so many-th row."""
    images = read_ubyte(data / f"{part}-images-idx3-ubyte.gz")
    return images[::every], read_ubyte(data / f"{part}-labels-idx1-ubyte.gz")[::every]


def write_zip(data: Path, path: Path, *, every: int) -> Path:
    """Class folders of PNG pictures under train/ and test/ in one zip; kept where it is there already."""
    from PIL import Image

    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    with zipfile.ZipFile(unfinished, "w") as archive:
        for part, folder, step in [("train", "train", every), ("t10k", "test", 1)]:
            for row, (image, label) in enumerate(zip(*read_part(data, part, step), strict=True)):
                content = BytesIO()
                Image.fromarray(image).save(content, "PNG")
                archive.writestr(f"{folder}/{CLASSES[label]}/{row:05d}.png", content.getvalue())
    unfinished.rename(path)
    return path


def read_scalars(folder: Path, prefix: str, suffix: str) -> Iterator[tuple[float, float]]:
    """(Wall time, value) of every TensorBoard scalar whose tag begins and ends so, as written."""
    from tensorboardX.proto.event_pb2 import Event

    for path in sorted(folder.rglob("events.out.tfevents.*")):
        content, at = path.read_bytes(), 0
        while at < len(content):
            (length,) = struct.unpack_from("<Q", content, at)
            event = Event.FromString(content[at + 12 : at + 12 + length])
            at += length + 16
            for value in event.summary.value:
                if value.tag.startswith(prefix) and value.tag.rsplit("/", 1)[-1] == suffix:
                    yield event.wall_time, value.simple_value


def run_peer(method: str, data: Path, every: int, seed: int, epochs: int) -> dict[str, Any]:
    """Train one peer on 85 % of the rows; test accuracy, and (wall time, held-out accuracy) an epoch."""
    images, labels = read_part(data, "train", every)
    test_images, test_labels = read_part(data, "t10k")
    mean, std = float(images.mean()), float(images.std())
    order = np.random.default_rng(seed).permutation(len(images))
    cut = int(0.85 * len(images))

    def ready(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return ((images.astype(np.float32) - mean) / std)[..., None], labels.astype(np.int64)

    parts = [
        ready(images[order[:cut]], labels[order[:cut]]),
        ready(images[order[cut:]], labels[order[cut:]]),
        ready(test_images, test_labels),
    ]
    return {"fastai": run_fastai, "keras": run_keras}[method](*parts, seed, epochs)


Part = tuple[np.ndarray, np.ndarray]


def run_fastai(train: Part, valid: Part, test: Part, seed: int, epochs: int) -> dict[str, Any]:
    """Train with fastai's Learner and fit_one_cycle."""
    contenders.stand_in_for_torchvision()
    import fastai.callback.progress
    import fastai.callback.schedule  # noqa: F401 (gives Learner its fit_one_cycle)
    import torch
    from fastai.basics import (
        Callback,
        CrossEntropyLossFlat,
        DataLoader,
        DataLoaders,
        Learner,
        accuracy,
        set_seed,
    )
    from torch.utils.data import TensorDataset

    from deepfit.nn.nets.resnet9 import ResNet9

    def loader(part: Part, shuffle: bool) -> DataLoader:
        images = torch.from_numpy(part[0]).permute(0, 3, 1, 2)
        rows = TensorDataset(images, torch.from_numpy(part[1]))
        return DataLoader(rows, bs=BATCH if shuffle else 1000, shuffle=shuffle, num_workers=0)

    class Curve(Callback):
        def after_epoch(self) -> None:
            curve.append((time.time(), float(self.recorder.log[3])))

    curve: list[tuple[float, float]] = []
    set_seed(seed)
    loaders = DataLoaders(loader(train, True), loader(valid, False), loader(test, False))
    loss = CrossEntropyLossFlat(label_smoothing=0.1)
    learner = Learner(loaders, ResNet9(num_classes=10), loss, metrics=accuracy)
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(epochs, PEAK_RATE, cbs=Curve())
        scores = learner.validate(ds_idx=2)
    return {"accuracy": float(scores[1]), "curve": curve}


def run_keras(train: Part, valid: Part, test: Part, seed: int, epochs: int) -> dict[str, Any]:
    """Train with Keras' fit, AdamW and a cosine schedule."""
    import keras
    from keras import layers, ops

    keras.utils.set_random_seed(seed)

    def conv(x: Any, width: int) -> Any:
        return layers.Conv2D(width, 3, padding="same", use_bias=False)(x)

    def norm(x: Any) -> Any:
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x))

    picture = layers.Input((28, 28, 1))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(picture)
    for width in (32, 64, 128):
        x = norm(layers.MaxPooling2D(2, padding="same")(conv(x, width)))
        x = layers.Add()([x, norm(conv(norm(conv(x, width)), width))])
    net = keras.Model(picture, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))

    class Curve(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            curve.append((time.time(), float((logs or {})["val_sparse_categorical_accuracy"])))

    curve: list[tuple[float, float]] = []
    steps = epochs * (len(train[0]) // BATCH + 1)
    warm = steps // 5
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warm, warmup_target=PEAK_RATE, warmup_steps=warm
    )

    def loss(labels: Any, logits: Any) -> Any:
        smooth = 0.9 * ops.one_hot(ops.squeeze(labels, -1) if labels.ndim == 2 else labels, 10) + 0.01
        return ops.categorical_crossentropy(smooth, logits, from_logits=True)

    net.compile(
        keras.optimizers.AdamW(rate, weight_decay=0.05), loss, metrics=["sparse_categorical_accuracy"]
    )
    net.fit(*train, batch_size=BATCH, epochs=epochs, verbose=0, validation_data=valid, callbacks=[Curve()])
    scores = net.evaluate(*test, batch_size=1000, verbose=0, return_dict=True)
    return {"accuracy": float(scores["sparse_categorical_accuracy"]), "curve": curve}


def table(rows: list[dict[str, Any]], skipped: list[str]) -> str:
    """The rows as text."""
    lines = [f"{'set':8}{'method':10}{'seed':>5}{'accuracy':>10}{'seconds':>9}{'to 92 %':>9}  baselines"]
    for row in rows:
        baselines = ", ".join(f"{name} {value:.4f}" for name, value in row.get("baselines", {}).items())
        lines.append(
            f"{row['set']:8}{row['method']:10}{row['seed']:5}{row['accuracy']:10.4f}{row['seconds']:9.1f}"
            f"{row['seconds_to_92'] or '-':>9}  {baselines}"
        )
    return "\n".join(lines + [f"skipped: {each}" for each in skipped])


if __name__ == "__main__":
    main()
