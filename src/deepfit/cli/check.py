"""`deepfit check`: what a careful reader would say of the data before training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deepfit.cli.train import COMMON as TRAIN_COMMON

if TYPE_CHECKING:
    from deepfit.job.check import Checked

INTRO = """Check the data of SOURCE before training: how each column would be read and why, and what
may spoil a score (leaks, duplicates, identifiers, constant or mostly empty columns). Takes the options of
`deepfit train`."""

EXAMPLES = """
deepfit check prices.csv --target price
deepfit check prices.csv --target price --test test.csv
deepfit check photos/ --json
"""

COMMON = (
    *(option for option in TRAIN_COMMON if option.name in ("task", "test", "config", "set", "help")),
    click.Option(["--json"], is_flag=True, help="Print the findings on stdout as one line of JSON."),
)


@click.command(
    short_help="Check data before training: column kinds, leaks, duplicates.",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def check(words: tuple[str, ...]) -> int:
    """Check; the flags are those of the task, so the words are read when the task is known."""
    from deepfit.cli import flags
    from deepfit.cli.help import command_help

    given = flags.read("check", words, COMMON)
    if isinstance(given, flags.Asked):
        click.echo(command_help("check", INTRO, EXAMPLES, COMMON, given.task), nl=False)
        return 0
    from deepfit.cli.output import json_line
    from deepfit.job.check import check as checked

    findings = checked(given.source, task=given.task, options=given.options, test=given.test)
    click.echo(json_line(as_json(findings, given.reason)) if given.json else as_text(findings, given.reason))
    return 0


def as_json(findings: Checked, reason: str | None) -> dict[str, object]:
    """The findings with named fields."""
    return {
        "task": findings.task,
        "reason": reason,
        "rows": findings.rows,
        "columns": [
            dict(zip(("name", "kind", "reason", "example"), column, strict=True))
            for column in findings.columns
        ],
        "concerns": [
            {"kind": each.kind, "where": each.where, "message": each.message} for each in findings.concerns
        ],
    }


def as_text(findings: Checked, reason: str | None) -> str:
    """A table of column kinds, then each concern on a line of its own."""
    from deepfit.cli.summary import aligned

    because = f", because {reason}" if reason is not None else ""
    lines = [f"task: {findings.task}{because}", f"rows: {findings.rows:,}", ""]
    if findings.columns:
        table = [
            ("column", "kind", "example", "why"),
            *((name, kind, _short(example), why) for name, kind, why, example in findings.columns),
        ]
        lines += [aligned([[str(cell) for cell in row] for row in table], numbers_from=4), ""]
    lines += [f"{each.kind}: {each.where}: {each.message}" for each in findings.concerns] or [
        "Nothing to worry about was found."
    ]
    return "\n".join(lines)


def _short(example: object) -> str:
    text = " ".join(str(example).split())
    return text if len(text) <= 24 else text[:23] + "…"
