"""How fast ResNet-50 trains: pictures of 224 x 224, batch 16, SGD with momentum, float32 on the processor.

    python benchmarks/resnet50.py --steps 6 [--contenders eager,channels_last,deepfit] [--add]

Contenders, each a process of its own, all alive at once, take one step each in turn, so that a machine that
is faster or slower for a while is so for all of them: `eager`, PyTorch in its default layout;
`channels_last`, the same with that layout; `deepfit`, the engine around deepfit's ResNet-50;
`deepfit_compiled`, the same with `--compile on`. The first two train the network in the manner of its usual
listing (torchvision's names, blocks that add in place), with fused SGD and nothing else in the loop.

`peak_gflops` is the machine's product of square float32 matrices, measured in the same turns: the better of
MKL (`torch.mm`) and oneDNN, at 2048 and 4096. `share_of_peak` is 3 (one forward, two backward) x 2 x
multiply-adds x pictures / second / peak, the median of a turn's share of that turn's peak.
`break_even_pictures` says after how many pictures compiling has paid for its first steps, against
`channels_last` and `deepfit`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import turns
from turns import turn

BATCH, MULTIPLY_ADDS, WARM_UP = 16, 4_089_184_256, 2


def pictures(batches: int = 1):
    """float32 [16 * batches, 3, 224, 224] and int64 classes."""
    import torch

    torch.manual_seed(0)
    return torch.randn(BATCH * batches, 3, 224, 224), torch.randint(0, 1000, (BATCH * batches,))


def usual_network():
    """ResNet-50 as it is usually written."""
    import torch
    from torch import nn

    class Bottleneck(nn.Module):
        def __init__(self, width: int, inner: int, stride: int) -> None:
            super().__init__()
            out = 4 * inner
            self.conv1, self.bn1 = nn.Conv2d(width, inner, 1, bias=False), nn.BatchNorm2d(inner)
            self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(inner)
            self.conv3, self.bn3 = nn.Conv2d(inner, out, 1, bias=False), nn.BatchNorm2d(out)
            self.relu = nn.ReLU(inplace=True)
            self.downsample = None
            if stride > 1 or width != out:
                projection = nn.Conv2d(width, out, 1, stride, bias=False)
                self.downsample = nn.Sequential(projection, nn.BatchNorm2d(out))

        def forward(self, x):  # noqa: ANN001
            shortcut = x if self.downsample is None else self.downsample(x)
            x = self.relu(self.bn1(self.conv1(x)))
            x = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(x)))))
            x += shortcut
            return self.relu(x)

    torch.manual_seed(0)
    stem = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
    layers: list[nn.Module] = [stem, nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    width = 64
    for stage, blocks in enumerate((3, 4, 6, 3)):
        for block in range(blocks):
            layers.append(Bottleneck(width, 64 << stage, 2 if stage and not block else 1))
            width = 256 << stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 1000))


def eager(*, last: bool = False) -> None:
    """PyTorch as it comes."""
    import torch
    from torch.nn import functional as F

    x, y = pictures()
    net = usual_network()
    if last:
        net = net.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9, fused=True)
    while True:
        turn()
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(net(x), y).backward()
        optimizer.step()


def channels_last() -> None:
    """PyTorch with the layout that its guide to processors recommends."""
    eager(last=True)


def deepfit(compiling: str = "off") -> None:
    """Deepfit's engine, plan and network; a step begins where a batch meets the network."""
    import torch
    from torch.nn import functional as F

    from deepfit import plans
    from deepfit.contract import Splits
    from deepfit.engine import Run, channels_last, train
    from deepfit.nn.nets.resnet import resnet
    from deepfit.options import Options

    options = Options(
        epochs=1000,
        batch_size=BATCH,
        optimizer="sgd",
        learning_rate=0.01,
        weight_decay=0.0,
        schedule="constant",
        warmup=0.0,
        compile=compiling,
    )

    class Classify:
        def plan(self, net, data, facts, run):  # noqa: ANN001
            def forward(batch):  # noqa: ANN001
                turn()
                return net(batch["x"])

            def loss(outputs, batch):  # noqa: ANN001
                return F.cross_entropy(outputs, batch["target"], reduction="sum")

            return plans.supervised(net, data, options, run, forward=forward, loss=loss)

    x, y = pictures(64)
    batch = {"x": x.contiguous(memory_format=torch.channels_last), "target": y}
    torch.manual_seed(0)
    net = channels_last(resnet(50, num_classes=1000))
    with tempfile.TemporaryDirectory() as folder:
        for _ in train(Classify(), net, Splits(batch, batch), {}, Run(options, folder)):
            pass


def deepfit_compiled() -> None:
    """The same, compiled before the first step, with an empty cache of compiled code."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        deepfit("on")


def peak() -> None:
    """The best product of matrices, in GFLOP/s, at each turn."""
    import torch

    found: dict[str, Any] = {}
    squares = {size: (torch.randn(size, size), torch.randn(size, size)) for size in (2048, 4096)}
    while True:
        turn(found)
        best = 0.0
        for size, (a, b) in squares.items():
            for product in (
                torch.mm,
                lambda a, b: torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], ""),
            ):
                for _ in range(4 if size == 2048 else 1):
                    begun = time.perf_counter()
                    product(a, b)
                    best = max(best, 2e-9 * size**3 / (time.perf_counter() - begun))
        found = {"peak_gflops": best}


CONTENDERS = ("eager", "channels_last", "deepfit", "deepfit_compiled")


def summary(calls: list[list[dict[str, float]]]) -> dict[str, Any]:
    """Medians over the turns of all calls, warm-up apart."""
    turns = [record for call in calls for record in call[WARM_UP:]]
    table: dict[str, Any] = {"peak_gflops": statistics.median(record["peak_gflops"] for record in turns)}
    for name in CONTENDERS:
        seen = [record for record in turns if name in record]
        if not seen:
            continue
        work = 6e-9 * MULTIPLY_ADDS * BATCH
        row = {
            "turns": len(seen),
            "pictures_per_s": BATCH / statistics.median(record[name] for record in seen),
            "share_of_peak": statistics.median(
                work / record[name] / record["peak_gflops"] for record in seen
            ),
        }
        for other in ("eager", "channels_last"):
            both = [record[other] / record[name] for record in seen if other in record]
            if both:
                row[f"times_{other}"] = statistics.median(both)
        if name == "deepfit_compiled":
            row |= break_even(calls, seen)
        table[name] = row
    return table


def break_even(calls: list[list[dict[str, float]]], seen: list[dict[str, float]]) -> dict[str, Any]:
    """What compiling costs in its first steps, and the pictures after which that has come back."""
    name = "deepfit_compiled"
    usual = statistics.median(record[name] for record in seen)
    started = [call[:WARM_UP] for call in calls if name in call[0]]
    row: dict[str, Any] = {
        "compile_s": statistics.median(sum(record[name] - usual for record in first) for first in started)
    }
    for other in ("channels_last", "deepfit"):
        gains = [record[other] - record[name] for record in seen if other in record]
        if gains:
            gain = statistics.median(gains)
            pictures = row["compile_s"] / gain * BATCH if gain > 0 else None
            row[f"break_even_pictures_against_{other}"] = pictures and round(pictures)
            row[f"break_even_minutes_against_{other}"] = pictures and pictures / BATCH * usual / 60
    return row


def main() -> None:
    """Run one contender, or all of them in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--one", help="be this contender, for the process that measures")
    parser.add_argument("--steps", type=int, default=6, help="timed steps of each contender")
    parser.add_argument("--seconds", type=float, default=3600.0, help="no more turns after so many")
    parser.add_argument("--contenders", default=",".join(CONTENDERS))
    parser.add_argument("--add", action="store_true", help="add to the results that are there")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "resnet50.json")
    chosen = parser.parse_args()
    if chosen.one:
        globals()[chosen.one]()
        return
    import rounds

    calls = json.loads(chosen.out.read_text(encoding="utf-8"))["calls"] if chosen.add else []
    names = [*chosen.contenders.split(","), "peak"]
    commands = {name: [sys.executable, __file__, "--one", name] for name in names}
    calls.append(turns.measure(commands, WARM_UP + chosen.steps, limit_s=chosen.seconds))
    table = summary(calls)
    for name, row in table.items():
        print(name, row)
    rounds.write(chosen.out, claim="training speed of ResNet-50", batch=BATCH, table=table, calls=calls)


if __name__ == "__main__":
    main()
