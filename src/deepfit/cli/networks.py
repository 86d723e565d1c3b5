"""`deepfit networks`: which networks there are, and what one is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from deepfit.errors import OptionError, suggest
from deepfit.vocabulary import NETWORKS, PRESETS, USES

if TYPE_CHECKING:
    from deepfit.nn.summary import Block, Shape, Summary
    from deepfit.nn.zoo import Example

COUNTED = (
    "Multiply-adds are for one example: of convolutions, linear and recurrent layers, attention and other "
    "products of matrices; norms, activations, pooling and additions are not counted."
)
READS = {
    "table": "{0} columns of numbers and {1} of categories",
    "pictures": "a picture of {0} x {1} x {2} (channels, height, width)",
    "series": "a series of {0} steps of {1} numbers",
    "tokens": "a text of {0} tokens",
}


@click.command(
    short_help="List the networks, or show one layer by layer.",
    epilog="\b\nExamples:\n  deepfit networks\n  deepfit networks resnet50\n"
    "  deepfit networks resnet18 --input 1x64x64 --classes 10 --out resnet18.svg\n"
    "  deepfit networks gpt2 --json",
)
@click.argument("name", required=False)
@click.option(
    "--input",
    "size",
    metavar="SIZE",
    help="what it reads: pictures 3x224x224 (channels, height, width), series 96x8 (steps, features), tables "
    "10x2 (columns of numbers, of categories), texts 128 (tokens)",
)
@click.option(
    "--classes", metavar="N", type=click.IntRange(1), help="classes, or other numbers that it gives"
)
@click.option("--json", "as_json", is_flag=True, help="print one JSON object on stdout")
@click.option("--out", metavar="FILE", help="write the drawing to FILE.svg or FILE.html")
@click.option("--overwrite", is_flag=True, help="let --out replace a file")
def networks(
    name: str | None, size: str | None, classes: int | None, as_json: bool, out: str | None, overwrite: bool
) -> int:
    """List every network on a line, or show the layers, parameters and multiply-adds of the network NAME.

    NAME is a network or a published shape of one, such as bert-base or gpt2.
    """
    if name is None:
        _refuse(size=size, classes=classes, out=out, overwrite=overwrite or None)
        click.echo(_listed_json() if as_json else overview())
        return 0
    name = spelled(name)
    if out is None and overwrite:
        raise OptionError("--overwrite has no effect without --out.")
    if out is not None:
        _check_destination(out, overwrite)
    example, summary = _summarised(name, _size(size), classes)
    if out is not None:
        from deepfit.cli.output import replacing
        from deepfit.report.drawing import page, picture

        title = f"{name}: {_summary(name)}"
        drawn = (picture if out.lower().endswith(".svg") else page)(
            title, facts(example, summary), _read(name, example), summary
        )
        with replacing(out) as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.write(drawn)
    if as_json:
        click.echo(_json(name, example, summary))
    else:
        click.echo(shown(name, example, summary))
        if out is not None:
            click.echo(f"\nThe drawing is in {out}")
    return 0


def overview() -> str:
    """Every network on a line, what it reads, and the published shapes."""
    rows = [(name, USES[term.use].removeprefix("reads "), term.summary) for name, term in NETWORKS.items()]
    width, reads = (max(len(row[place]) for row in rows) for place in (0, 1))
    lines = [f"{name.ljust(width)}  {read.ljust(reads)}  {summary}" for name, read, summary in rows]
    lines += ["", "Published shapes:"]
    lines += [
        f"{name.ljust(width)}  {preset.network.ljust(reads)}  {preset.summary}"
        for name, preset in PRESETS.items()
    ]
    return "\n".join(lines)


def spelled(name: str) -> str:
    """The name of a network or a published shape from one in any case, with hyphens, underscores or none."""
    known = {_plain(each): each for each in (*NETWORKS, *PRESETS)}
    if _plain(name) not in known:
        hint = suggest(name, known.values())
        raise OptionError(f"There is no network '{name}'. {hint} `deepfit networks` lists all networks.")
    return known[_plain(name)]


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "").replace("-", "")


def _summary(name: str) -> str:
    return PRESETS[name].summary if name in PRESETS else NETWORKS[name].summary


def _use(name: str) -> str:
    return NETWORKS[PRESETS[name].network if name in PRESETS else name].use


def _read(name: str, example: Example) -> str:
    return READS[_use(name)].format(*example.size)


def _size(words: str | None) -> tuple[int, ...] | None:
    """Numbers from 3x224x224."""
    if words is None:
        return None
    try:
        return tuple(int(word) for word in words.lower().replace(",", "x").split("x"))
    except ValueError:
        raise OptionError(
            f"--input {words}: write whole numbers with x between them, such as 3x224x224."
        ) from None


def _refuse(**given: Any) -> None:
    flags = {"size": "input"}
    for each, value in given.items():
        if value is not None:
            raise OptionError(f"--{flags.get(each, each)} has no effect on the list; name a network.")


def _check_destination(path: str, overwrite: bool) -> None:
    import os

    if not path.lower().endswith((".svg", ".html")):
        raise OptionError(f"--out {path}: the file's ending says its format: .svg or .html.")
    if os.path.exists(path) and not overwrite:
        raise OptionError(f"--out {path}: the file exists already. Name another, or pass --overwrite.")
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise OptionError(f"--out {path}: there is no folder '{os.path.dirname(path)}'. Create it first.")


def _summarised(name: str, size: tuple[int, ...] | None, classes: int | None) -> tuple[Example, Summary]:
    import torch

    from deepfit.nn import summary, zoo

    with torch.device("meta"):
        example = zoo.example(name, size, classes)
        inputs = example.inputs(summary.BATCH)
        try:
            return example, summary.summarise(example.net, inputs, answer=example.answer)
        except RuntimeError as error:  # PyTorch's word for a picture that is smaller than a kernel
            asked = "x".join(map(str, example.size))
            raise OptionError(f"--input {asked}: {name} cannot read this size: {error}") from None


def source(net: Any) -> str:
    """The paper that a network's file or class names as its source, in one line; "" where it names none."""
    import inspect
    import re

    for text in (inspect.getdoc(inspect.getmodule(type(net))), inspect.getdoc(type(net))):
        found = re.search(r"Sources?: (.*?)(?:\n\s*\n|\nDiffers|\nHow |\Z)", text or "", re.DOTALL)
        if found:
            return " ".join(found[1].split())
    return ""


def facts(example: Example, summary: Summary) -> list[str]:
    """What the head of a page says."""
    body = getattr(example.net, "body", example.net)
    told = source(body)
    return [
        *([f"Source: {told}"] if told else []),
        f"{summary.parameters:,} parameters, {short(summary.multiply_adds)} multiply-adds for one example.",
    ]


def shown(name: str, example: Example, summary: Summary) -> str:
    """The page of one network: what it is, its layers, totals and a drawing."""
    title = f"{name}: {_summary(name)}"
    told = source(getattr(example.net, "body", example.net))
    usual = f"It reads {_read(name, example)}; --input changes that."
    if example.outputs is not None:
        usual += (
            f" It gives {example.outputs} number{'s' if example.outputs > 1 else ''}; --classes changes that."
        )
    head = [title, "=" * len(title), *([f"Source: {told}"] if told else []), usual, ""]
    return "\n".join([*head, table(summary), "", COUNTED, "", *drawing(_read(name, example), summary)])


def table(summary: Summary) -> str:
    """A line a layer, and the totals."""
    rows = [
        (each.name, each.kind, by(each.output), f"{each.parameters:,}", f"{each.multiply_adds:,}")
        for each in summary.layers
    ]
    header = ("layer", "kind", "output", "parameters", "multiply-adds")
    total = ("total", "", by(summary.output), f"{summary.parameters:,}", f"{summary.multiply_adds:,}")
    widths = [max(len(row[place]) for row in (header, total, *rows)) for place in range(5)]

    def line(row: tuple[str, ...]) -> str:
        left = "  ".join(row[place].ljust(widths[place]) for place in range(3))
        return f"{left}  {row[3].rjust(widths[3])}  {row[4].rjust(widths[4])}".rstrip()

    rule = "-" * (sum(widths) + 8)
    return "\n".join([line(header), rule, *map(line, rows), rule, line(total)])


def drawing(reads: str, summary: Summary) -> list[str]:
    """Boxes from input to output; repeated blocks once, with how often."""
    lines = [f"  {reads}"]
    width = max((len(_caption(block)) for block in summary.blocks), default=0)
    inner = max((len(_inside(block)) for block in summary.blocks), default=0)
    width = max(width, inner) + 2
    started = False
    for block in summary.blocks:
        lines += [] if started and block.first else ["       │"]
        started = started or block.first
        lines += [
            f"  ┌{'─' * width}┐",
            f"  │ {_caption(block).ljust(width - 2)} │   {by(block.output)}".rstrip(),
        ]
        if block.inside:
            lines += [f"  │ {_inside(block).ljust(width - 2)} │"]
        lines += [f"  └{'─' * width}┘"]
    return [*lines, "       │", f"  {by(summary.output)}"]


def _caption(block: Block) -> str:
    times = f"{block.repeats} x " if block.repeats > 1 else ""
    named = f"{block.name}: " if block.repeats == 1 else f"{block.name} ...: "
    size = f", {short(block.parameters)} parameters" if block.parameters else ""
    return f"{named}{times}{block.kind}{size}"


def _inside(block: Block) -> str:
    """The steps with weights inside a block, in a line."""
    if not block.inside:
        return ""
    steps = steps_inside(block)
    return f"  {' → '.join(steps)}{'   + what came in' if block.residual else ''}"


def steps_inside(block: Block) -> list[str]:
    """The layers inside a block that multiply matrices, innermost first; all layers where none does."""
    at_work = [each for each in block.inside if each.multiply_adds] or list(block.inside)
    return [each.kind if each.repeats == 1 else f"{each.repeats} x {each.kind}" for each in at_work]


def by(shape: Shape | None) -> str:
    """A shape in words: 64 x 56 x 56."""
    return "" if shape is None else " x ".join(map(str, shape))


def short(count: int) -> str:
    """A count in three digits or so: 25.6 M."""
    for limit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= limit:
            return f"{count / limit:.3g} {letter}"
    return str(count)


def _json(name: str, example: Example, summary: Summary) -> str:
    from deepfit.cli.output import json_line

    return json_line(
        {
            "network": name,
            "parameters": summary.parameters,
            "multiply_adds": summary.multiply_adds,
            "input": list(example.size),
            "output": list(summary.output),
            "layers": [each.__dict__ for each in summary.layers],
        }
    )


def _listed_json() -> str:
    from deepfit.cli.output import json_line

    listed = {name: {"reads": term.use, "summary": term.summary} for name, term in NETWORKS.items()}
    presets = {name: {"network": each.network, "summary": each.summary} for name, each in PRESETS.items()}
    return json_line({"networks": listed, "presets": presets})
