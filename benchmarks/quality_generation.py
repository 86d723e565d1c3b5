"""Quality of made pictures: deepfit with default options on Fashion-MNIST, beside a plain DCGAN by hand.

    python benchmarks/quality_generation.py --data FOLDER_OF_UBYTE_FILES --scratch SOMEWHERE
    python benchmarks/quality_generation.py ... --methods deepfit dcgan --seeds 3

The data are those of quality_images.py: the folder holds the four files of Fashion-MNIST as published, and a
zip of class folders is written from them. deepfit is run as a user runs it, `deepfit train ZIP --task
unconditional-image-generation --json`: its seconds contain start, reading, the judge, baselines and report.
With `--tasks text-to-image` (its prompts are the names of the class folders) the scorecard has `recognised`
too: the share of made pictures that the judge takes for the class that was asked for.

The DCGAN by hand is the recipe of arXiv 1511.06434 in forty lines of PyTorch: batch normalisation on both
sides, cross-entropy, Adam at 2e-4 with a first beta of 0.5, batches of 64, no averaging, no choice of a
round. It gets the same training pictures, the same width and as many pictures to train on, and is scored by
deepfit's judge on the same test pictures, like the baselines: real training pictures (the floor) and a
Gaussian of the pixels. Prints a table and writes benchmarks/results/quality_generation.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from quality_images import SETS, last_line, write_zip

RESULTS = Path(__file__).parent / "results" / "quality_generation.json"
TASK = "unconditional-image-generation"
SCORES = ("frechet_distance", "precision", "recall", "recognised")
BATCH, RATE, NOISE = 64, 2e-4, 100


def main() -> None:
    """Measure everything asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the four ubyte.gz files")
    parser.add_argument(
        "--scratch", type=Path, default=Path(tempfile.gettempdir()), help="where zips and runs are written"
    )
    parser.add_argument("--sets", nargs="+", choices=sorted(SETS), default=["all"])
    parser.add_argument("--tasks", nargs="+", default=[TASK])
    parser.add_argument("--methods", nargs="+", choices=["deepfit", "dcgan"], default=["deepfit", "dcgan"])
    parser.add_argument("--seeds", type=int, default=1, help="runs of each method on each set")
    parser.add_argument("--options", nargs="+", default=[], help="deepfit options, name=value")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()

    rows = []
    for name in given.sets:
        archive = write_zip(given.data, given.scratch / f"fashion_mnist_{name}.zip", every=SETS[name])
        for task in given.tasks:
            for seed in range(given.seeds):
                run = given.scratch / f"generation_{task}_{name}_{seed}"
                for row in measure(task, archive, run, seed, given):
                    rows.append({"set": name, "task": task, "seed": seed, **row})
                    print(rows[-1], file=sys.stderr, flush=True)
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")
    print(table(rows))


def measure(
    task: str, archive: Path, run: Path, seed: int, given: argparse.Namespace
) -> list[dict[str, Any]]:
    """The rows of one run: deepfit, its baselines, and the DCGAN by hand in its judge's features."""
    clock = time.perf_counter()
    command = [sys.executable, "-m", "deepfit", "train", str(archive), "--task", task, "--json"]
    command += ["--seed", str(seed), "--out", str(run)]
    for option in given.options:
        command += ["--set", option]
    card = json.loads(last_line(command))
    seconds = round(time.perf_counter() - clock, 1)
    rows = [{"method": "deepfit", "seconds": seconds, "parts": card["seconds"], **scores_of(card["metrics"])}]
    rows[0]["peak_mb"] = card["peak_mb"]
    rows += [{"method": name, **scores_of(scores)} for name, scores in card["baselines"].items()]
    if "dcgan" in given.methods and task == TASK:
        rows.append({"method": "dcgan by hand", **by_hand(run, archive, seed)})
    return rows


def scores_of(metrics: dict[str, Any]) -> dict[str, Any]:
    """Value and interval of each score that is there."""
    return {name: metrics[name] for name in SCORES if name in metrics}


def by_hand(run: Path, archive: Path, seed: int) -> dict[str, Any]:
    """Train the DCGAN on what deepfit trained on, and score it as deepfit scores a baseline."""
    import torch

    from deepfit import load, machine
    from deepfit.answers.generation import of_pictures
    from deepfit.job.rows import prepare_rows
    from deepfit.judge.intervals import bootstrap
    from deepfit.plans.adversarial import rounds_for, steps_a_round

    torch.set_num_threads(machine.settle_threads(0, machine.read_load()))
    model: Any = load(run)
    prepared = prepare_rows(model.task, {"source": str(archive)})
    images = model.task.encode(prepared.splits.train, model.facts)["images"]
    test, options = prepared.splits.held_out, model.task.options
    steps = rounds_for(options, len(images)) * steps_a_round(len(images), options.batch_size)
    clock = time.perf_counter()
    made = dcgan(images, len(test), steps * options.batch_size // BATCH, options.width, seed)
    seconds = round(time.perf_counter() - clock, 1)
    answers = model.appraised(of_pictures(made), test)
    found = bootstrap(model.task, test, {"dcgan": answers}, seed=seed).scores["dcgan"]
    scores = {name: {"value": each.value, "low": each.low, "high": each.high} for name, each in found.items()}
    return {"seconds": seconds, **scores_of(scores)}


def dcgan(images: np.ndarray, count: int, steps: int, width: int, seed: int) -> np.ndarray:
    """Train on uint8 [rows, 32, 32, channels] for so many steps; uint8 [count, 32, 32, channels] of it."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(seed)
    channels = images.shape[3]
    widths = [4 * width, 2 * width, width]

    def up(into: int, out: int) -> list[nn.Module]:
        return [nn.ConvTranspose2d(into, out, 4, 2, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(True)]

    def down(into: int, out: int) -> list[nn.Module]:
        return [nn.Conv2d(into, out, 4, 2, 1, bias=False), nn.BatchNorm2d(out), nn.LeakyReLU(0.2, True)]

    generator = nn.Sequential(
        *(nn.ConvTranspose2d(NOISE, widths[0], 4, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU(True)),
        *(*up(widths[0], widths[1]), *up(widths[1], widths[2])),
        *(nn.ConvTranspose2d(widths[2], channels, 4, 2, 1), nn.Tanh()),
    ).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  (missing from the overloads)
    discriminator = nn.Sequential(
        *(nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2, True)),
        *(*down(width, 2 * width), *down(2 * width, 4 * width)),
        *(nn.Conv2d(4 * width, 1, 4), nn.Flatten()),
    ).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    for module in (*generator.modules(), *discriminator.modules()):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, mean=1.0, std=0.02)
    turns = [
        torch.optim.Adam(net.parameters(), RATE, betas=(0.5, 0.999), fused=True)
        for net in (generator, discriminator)
    ]
    data = torch.from_numpy(np.ascontiguousarray(images))
    for _ in range(steps):
        chosen = torch.randint(len(data), (BATCH,))
        real = (data[chosen].float() / 127.5 - 1).permute(0, 3, 1, 2)
        made = generator(torch.randn(BATCH, NOISE, 1, 1))
        turns[1].zero_grad()
        said = functional.softplus(-discriminator(real)) + functional.softplus(discriminator(made.detach()))
        said.mean().backward()
        turns[1].step()
        turns[0].zero_grad()
        functional.softplus(-discriminator(made)).mean().backward()
        turns[0].step()
    generator.eval()
    with torch.no_grad():
        parts = [generator(torch.randn(250, NOISE, 1, 1)) for _ in range(-(-count // 250))]
    return torch.cat(parts)[:count].add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).numpy()


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as text."""
    lines = [f"{'set':8}{'method':16}{'seed':>5}{'seconds':>9}" + "".join(f"{name:>18}" for name in SCORES)]
    for row in rows:
        cells = "".join(f"{row[name]['value']:18.4f}" if name in row else f"{'-':>18}" for name in SCORES)
        lines.append(f"{row['set']:8}{row['method']:16}{row['seed']:5}{row.get('seconds', '-'):>9}{cells}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
