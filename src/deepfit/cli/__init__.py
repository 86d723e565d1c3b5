"""The command `deepfit`: nothing heavy is imported before a command is chosen.

Exit status: 0 well, 2 a mistake that the user can fix, 1 a fault of deepfit, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from deepfit import __version__
from deepfit.cli.check import check
from deepfit.cli.demo import demo
from deepfit.cli.embed import embed
from deepfit.cli.evaluate import evaluate
from deepfit.cli.learn import learn
from deepfit.cli.networks import networks
from deepfit.cli.predict import predict
from deepfit.cli.resume import resume
from deepfit.cli.sample import sample
from deepfit.cli.search import search
from deepfit.cli.tasks import tasks
from deepfit.cli.train import train
from deepfit.cli.tune_rate import tune_rate
from deepfit.errors import DeepfitError

EXAMPLES = """\b
Examples:
  deepfit train prices.csv --target price
  deepfit train photos/
  deepfit evaluate runs/prices test.csv
  deepfit predict runs/prices new.csv --out answers.csv

\b
`deepfit COMMAND --help` shows a command's options and examples. Add --debug
to any command for the full traceback of an error.
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLES, add_help_option=True)
@click.version_option(
    __version__, package_name="deepfit", prog_name="deepfit", message="%(prog)s %(version)s"
)
def deepfit() -> None:
    """Train a neural network on your own data, and get an honest scorecard, a saved model and a report."""


for command in (
    train,
    tune_rate,
    check,
    evaluate,
    predict,
    embed,
    search,
    sample,
    resume,
    tasks,
    networks,
    demo,
    learn,
):
    deepfit.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words or os.environ.get("DEEPFIT_DEBUG", "") not in ("", "0")
    sys.exit(status([word for word in words if word != "--debug"], debug=debug))


def status(words: Sequence[str], *, debug: bool) -> int:
    """Run the command that the words name; its exit status. Errors go to stderr; debug adds the traceback."""
    try:
        code = deepfit.main(list(words), prog_name="deepfit", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        _show_traceback(debug)
        error.show()
        return 2
    except DeepfitError as error:
        _show_traceback(debug)
        click.echo(f"{type(error).__name__}: {error}", err=True)
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return 130
    except Exception as error:
        _show_traceback(debug)
        click.echo(
            f"deepfit failed, and that is a fault of deepfit, not yours: {type(error).__name__}: {error}",
            err=True,
        )
        click.echo(
            "Please report it with the command, `deepfit --version` and the traceback that --debug shows.",
            err=True,
        )
        return 1


def _show_traceback(debug: bool) -> None:
    if debug:
        import traceback

        traceback.print_exc()
