"""`deepfit tasks`: what can be learned, and what one task takes."""

from __future__ import annotations

import click

from deepfit import catalog


@click.command(
    short_help="List the tasks, or show one task's data and options.",
    epilog="\b\nExamples:\n  deepfit tasks\n  deepfit tasks image-classification",
)
@click.argument("name", required=False)
def tasks(name: str | None) -> int:
    """List every task on a line, or show what data the task NAME takes, its options and an example."""
    click.echo(overview() if name is None else of_command(name) or page(name))
    return 0


def overview() -> str:
    """Every task on a line: its name and its summary."""
    known = catalog.names()
    width = max(map(len, [*known, *catalog.COMMANDS]), default=0)
    lines = [f"{name.ljust(width)}  {catalog.summary(name)}" for name in known]
    lines += ["", "Without training of its own:"]
    return "\n".join([*lines, *(f"{name.ljust(width)}  {what}" for name, what in catalog.COMMANDS.items())])


def of_command(name: str) -> str | None:
    """What there is to say of a task that is a command; None for one that is trained."""
    wanted = name.strip().lower().replace("_", "-")
    if wanted not in catalog.COMMANDS:
        return None
    return (
        f"{wanted}\n{'=' * len(wanted)}\n{catalog.COMMANDS[wanted]}\n\n"
        "The vector of a text or picture is what the last layer of a network reads. It needs no answers to\n"
        "learn from, so there is nothing to train: any model of sentence-similarity, text- or\n"
        "image-classification, text- or image-clustering gives vectors, and so does the folder of a\n"
        "published sentence encoder.\n\n"
        "Example:\n  deepfit embed runs/photos new-photos/ --out vectors.npz"
    )


def page(name: str) -> str:
    """A task's data contract, its options and an example."""
    from deepfit.cli.describe import describe
    from deepfit.cli.help import facts, meaning, usage

    name = catalog.spelled(name)
    formatter = click.HelpFormatter(max_width=110)
    formatter.write(f"{name}\n{'=' * len(name)}\n{catalog.docstring(name)}\n")
    options = describe(catalog.find(name).Options)
    for title, shared in ((f"Options of {name}", False), ("Options of every task", True)):
        with formatter.section(title):
            formatter.write_dl(
                [
                    (usage(each), f"{meaning(each)} [{facts(each)}]")
                    for each in options
                    if each.shared == shared
                ]
                or [("none", "")],
                col_max=28,
            )
    with formatter.section("Example"):
        formatter.write(f"  {example(name)}\n")
    return formatter.getvalue().rstrip("\n")


def example(name: str) -> str:
    """A command that trains this task, with every option that has no default."""
    from deepfit.cli.describe import describe

    options = describe(catalog.find(name).Options)
    target = [each for each in options if each.name == "target" and each.default in ("required", "none")]
    wanted = [
        f"{each.flag} {each.word}" for each in options if each.default == "required" and each not in target
    ]
    return " ".join(["deepfit train SOURCE", f"--task {name}", *("--target COLUMN" for _ in target), *wanted])
