from __future__ import annotations

import click
import pytest

from deepfit.cli import flags
from deepfit.cli.train import COMMON
from deepfit.errors import OptionError
from deepfit.options import resolve

pytestmark = pytest.mark.usefixtures("toy_tasks")


def read(*words):
    return flags.read("train", words, COMMON)


def test_the_task_is_inferred_from_the_source_before_its_options_are_checked(prices):
    given = read("--crop-px", "9", prices, "--target", "price")
    assert (given.task, given.reason, given.source) == ("toy-prices", "'price' is a number", prices)
    assert given.options == {"crop_px": "9", "target": "price"}


def test_a_named_task_needs_no_reason_and_no_file(tmp_path):
    given = read("absent.csv", "--task", "toy_prices", "--target", "price")
    assert (given.task, given.reason) == ("toy-prices", None)


def test_every_kind_of_option_arrives_as_its_options_expect_it(prices):
    from deepfit import catalog

    given = read(
        *[
            prices,
            "--target=price",
            "--no-polish",
            "--colour",
            "blue",
            "--limit",
            "2.5",
            "--learning_rate",
            "1e-2",
        ],
        *["--numbers", "a,b", "--numbers", "c", "--kinds", "size=number", "--kinds", "x=y=z"],
    )
    options = resolve(catalog.find(given.task).Options, given.options)
    assert (options.polish, options.colour, options.limit, options.learning_rate) == (
        False,
        "blue",
        2.5,
        0.01,
    )
    assert (options.numbers, options.kinds) == (("a,b", "c"), {"size": "number", "x": "y=z"})


def test_flags_win_over_the_configuration_file_which_may_name_task_and_places(tmp_path):
    config = tmp_path / "run.yaml"
    config.write_text(
        "task: toy-prices\nsource: old.csv\ntest: t.csv\nout: o\ntarget: price\nepochs: 3\ncrop-px: 5\n"
    )
    given = read("--config", str(config), "new.csv", "--epochs", "9", "--out", "p")
    assert (given.task, given.source, given.test, given.out) == ("toy-prices", "new.csv", "t.csv", "p")
    assert given.options == {"target": "price", "epochs": "9", "crop_px": 5}


def test_set_gives_any_option_and_lists_in_yaml(prices):
    given = read(
        prices, "--target", "price", "--set", "crop-px=3", "--set", "numbers=[a, b]", "--set", "limit=null"
    )
    assert given.options == {"target": "price", "crop_px": "3", "numbers": ["a", "b"], "limit": None}


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["--epoch", "4"], click.UsageError, "--epochs"),
        (["epochs=40"], click.UsageError, "'epochs=40': options begin with two dashes. Write --epochs 40"),
        (["epocs=40"], click.UsageError, "Did you mean 'epochs'"),
        (["-epochs", "40"], click.UsageError, "'-epochs' has one dash too few: write --epochs."),
        (
            ["--set", "epocs=4"],
            OptionError,
            "--set epocs=4: there is no option 'epocs'. Did you mean 'epochs'",
        ),
        (["--set", "epochs"], OptionError, "expected NAME=VALUE, received 'epochs'"),
        (["--epochs", "4", "--set", "epochs=4"], OptionError, "'epochs' is given twice"),
        (
            ["--size-px", "4"],
            OptionError,
            "--size-px has no effect on toy-prices; it is an option of toy-pictures",
        ),
        (["--kinds", "size"], OptionError, "--kinds size: expected NAME=VALUE, received 'size'"),
        (["another.csv"], click.UsageError, "One source of data is expected, received 2"),
        (["--task", "toy-price"], OptionError, "Did you mean 'toy-prices'"),
    ],
)
def test_words_that_do_not_fit_get_a_hint(prices, words, error, message):
    with pytest.raises(error) as raised:
        read(prices, "--target", "price", *words)
    shown = (
        raised.value.format_message() if isinstance(raised.value, click.ClickException) else str(raised.value)
    )
    assert message in shown


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("epocs: 4\n", "there is no option 'epocs'. Did you mean 'epochs'"),
        ("- 4\n", "expected lines like 'epochs: 40', received list"),
        ("a: [\n", "this is not valid YAML"),
        ("!!python/object/apply:os.system ['true']\n", "this is not valid YAML"),
    ],
)
def test_a_configuration_file_that_does_not_fit_is_named_with_the_reason(tmp_path, prices, content, message):
    config = tmp_path / "run.yaml"
    config.write_text(content)
    with pytest.raises(OptionError) as raised:
        read(prices, "--config", str(config))
    assert str(config) in str(raised.value)
    assert message in str(raised.value)


def test_a_configuration_file_that_is_not_there_is_an_error_of_the_option(prices):
    with pytest.raises(OptionError, match=r"--config none\.yaml: the file cannot be read: No such file"):
        read(prices, "--config", "none.yaml")


def test_without_a_source_the_error_shows_a_command_that_works():
    with pytest.raises(click.UsageError, match=r"deepfit train prices\.csv --target price"):
        read("--task", "toy-prices")


@pytest.mark.parametrize("asks", [["--help"], ["missing.csv", "--help"], ["-h"]])
def test_help_does_not_fail_where_the_source_tells_no_task(asks):
    assert read(*asks) == flags.Asked(None)


def test_help_is_about_the_task_that_is_named_or_that_the_source_suggests(prices):
    assert read("--task", "toy-pictures", "--help") == flags.Asked("toy-pictures")
    assert read(prices, "--target", "price", "--help") == flags.Asked("toy-prices")
