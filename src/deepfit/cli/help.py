"""Help made from a task's options: the same lines for `--help`, `deepfit tasks NAME` and the docs pages."""

from __future__ import annotations

from collections.abc import Iterable

import click

from deepfit import catalog
from deepfit.cli.describe import Described, describe


def command_help(
    command: str, intro: str, examples: str, common: Iterable[click.Option], task: str | None
) -> str:
    """The help page of a command whose flags come from a task; without one, how to see a task's flags."""
    formatter = click.HelpFormatter(max_width=110)
    formatter.write_usage(f"deepfit {command}", "SOURCE [OPTIONS]")
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(intro)
    _section(
        formatter,
        "Options of every task" if task is None else "Data and run",
        [_common(option) for option in common],
    )
    if task is None:
        from deepfit.options import Options

        _section(
            formatter, "Training options that every task has", [_line(option) for option in describe(Options)]
        )
        _section(formatter, "Tasks", [(name, catalog.summary(name)) for name in catalog.names()])
        formatter.write_paragraph()
        formatter.write_text(
            f"A task has options of its own: `deepfit {command} --task NAME --help` lists them all, and so "
            f"does `deepfit {command} SOURCE --help` for the task that the source suggests."
        )
    else:
        options = describe(catalog.find(task).Options)
        _section(formatter, f"Options of {task}", [_line(option) for option in options if not option.shared])
        _section(formatter, "Training", [_line(option) for option in options if option.shared])
    with formatter.section("Examples"):
        formatter.write("".join(f"  {line}\n" for line in examples.strip().splitlines()))
    return formatter.getvalue()


def _section(formatter: click.HelpFormatter, title: str, lines: list[tuple[str, str]]) -> None:
    if lines:
        with formatter.section(title):
            formatter.write_dl(lines, col_max=28)


def _common(option: click.Option) -> tuple[str, str]:
    record = option.get_help_record(click.Context(click.Command("deepfit")))
    return record or (option.opts[0], "")


def _line(option: Described) -> tuple[str, str]:
    return usage(option), f"{meaning(option)} [{facts(option)}]"


def usage(option: Described) -> str:
    """How an option is written: "--epochs N", "--flip / --no-flip"."""
    if option.kind == "switch":
        return f"{option.flag} / --no-{option.flag[2:]}"
    word = f"[{option.word}]" if option.choices and option.kind == "value" else option.word
    return f"{option.flag} {word}" + (" ..." if option.kind in ("many", "pairs") else "")


def meaning(option: Described) -> str:
    """An option's description, without a full stop, since its default follows."""
    return option.meaning.rstrip(".")


def facts(option: Described) -> str:
    """Default and range: "default 20, >= 1 and <= 1000000"."""
    default = option.default if option.default == "required" else f"default {option.default}"
    return ", ".join(part for part in (default, option.range) if part)


def options_table(task: str) -> str:
    """A task's options as a Markdown table, its own before the shared ones."""
    options = describe(catalog.find(task).Options)
    rows = [
        f"| `{_cell(usage(option))}` | {option.default} | {option.range} | {_cell(meaning(option))} |"
        for option in options
    ]
    return "\n".join(["| option | default | range | meaning |", "|---|---|---|---|", *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
