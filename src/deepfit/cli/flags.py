"""From command-line words to a task, its data and its options: flags come from every task's `Options`.

The words are read with the flags of all tasks known, because the task may have to be inferred from the
source, which can only be told from a flag's value when the flags are known. Where the words name a task, its
flags alone are tried first, which spares importing the others. Values stay text here: `options.resolve`
converts and checks them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import click

from deepfit import catalog
from deepfit.cli.describe import Described, describe
from deepfit.errors import DeepfitError, OptionError, suggest

PLACES = ("source", "test", "valid", "out")
"""What a configuration file may name beside the task and its options."""

SPELLING = {"token_normalize_func": lambda word: word.replace("_", "-"), "help_option_names": []}


class Given(NamedTuple):
    """What the words ask for. reason says why the task was inferred; it is None where the task was named."""

    task: str
    reason: str | None
    source: str
    test: str | None
    valid: str | None
    out: str | None
    options: dict[str, Any]
    json: bool


class Asked(NamedTuple):
    """The words of a command that ask for help, with the task if it is known."""

    task: str | None


def read(command: str, words: Sequence[str], common: Iterable[click.Option]) -> Given | Asked:
    """What `deepfit COMMAND WORDS` asks for; an error with a hint where they do not fit."""
    common, named = list(common), _named_task(words)
    if named is not None:
        try:
            return _read(command, words, common, _known([named]))
        except (click.UsageError, DeepfitError):
            pass  # the flags of other tasks are needed to say what is wrong
    return _read(command, words, common, _known(catalog.names()))


def _named_task(words: Sequence[str]) -> str | None:
    """The id that follows --task, where it is one as it stands."""
    pairs = zip(words, [*words[1:], ""], strict=True)
    found = [value for word, value in pairs if word == "--task"]
    found += [word.partition("=")[2] for word in words if word.startswith("--task=")]
    return found[0] if len(found) == 1 and found[0] in catalog.names() else None


def _read(
    command: str,
    words: Sequence[str],
    common: Iterable[click.Option],
    known: dict[str, dict[str, Described]],
) -> Given | Asked:
    values = _parsed(command, words, common, known)
    config = _config(values["config"], known) if values.get("config") else {}
    settings = {name: config.pop(name, None) for name in (*PLACES, "task")}
    source, named = (values.get(name) or settings[name] for name in ("source", "task"))
    options = {**config, **_given(values, known)}
    places = {place: values.get(place) or settings[place] for place in PLACES[1:]}
    options.update(_set(values.get("set", ()), _given(values, known), known))
    target = options.get("target")
    if values["help"]:
        return Asked(_task_if_clear(named, source, target))
    if source is None:
        raise click.UsageError(
            f"Name the data: `deepfit {command} prices.csv --target price`, or a folder of pictures."
        )
    task, reason = (catalog.spelled(str(named)), None) if named else catalog.infer(str(source), target)
    _refuse_foreign(task, options, known)
    return Given(task, reason, str(source), **places, options=options, json=bool(values.get("json")))


def _known(tasks: Iterable[str]) -> dict[str, dict[str, Described]]:
    """Option name -> task id -> its description there."""
    known: dict[str, dict[str, Described]] = {}
    for task in tasks:
        for option in describe(catalog.find(task).Options):
            known.setdefault(option.name, {})[task] = option
    return known


def _parsed(
    command: str,
    words: Sequence[str],
    common: Iterable[click.Option],
    known: Mapping[str, Mapping[str, Described]],
) -> dict[str, Any]:
    for word in words:
        name = _named_by(word)
        if word[:1] == "-" and word[:2] != "--" and name in known:
            raise click.UsageError(f"'{word}' has one dash too few: write {_flag(name)}.")
    flags = [_click_option(next(iter(tasks.values()))) for tasks in known.values()]
    params = [click.Argument(["sources"], nargs=-1), *common, *flags]
    parser = click.Command(command, params=params, add_help_option=False, context_settings=SPELLING)
    values = parser.make_context(f"deepfit {command}", list(words)).params
    sources = values.pop("sources")
    for word in sources:
        if "=" in word and not os.path.exists(word):
            name, _, value = word.partition("=")
            meant = (
                f"write {_flag(_named_by(name))} {value}"
                if _named_by(name) in known
                else suggest(_named_by(name), known)
            )
            raise click.UsageError(f"'{word}': options begin with two dashes. {meant[0].upper()}{meant[1:]}")
    if len(sources) > 1:
        raise click.UsageError(
            f"One source of data is expected, received {len(sources)}: {', '.join(sources)}."
        )
    return {**values, "source": sources[0] if sources else None}


def _click_option(option: Described) -> click.Option:
    if option.kind == "switch":
        return click.Option([option.name, f"{option.flag}/--no-{option.flag[2:]}"], default=None)
    return click.Option([option.name, option.flag], multiple=option.kind in ("many", "pairs"))


def _given(values: Mapping[str, Any], known: Mapping[str, Mapping[str, Described]]) -> dict[str, Any]:
    """The options among the parsed values that were really given."""
    given = {
        name: value for name, value in values.items() if name in known and value is not None and value != ()
    }
    for name, value in given.items():
        if next(iter(known[name].values())).kind == "pairs":
            given[name] = dict(_pair(_flag(name), each) for each in value)
    return given


def _config(path: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a configuration file; OptionError where it is no mapping of known names."""
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            content = yaml.safe_load(file) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(
            f"--config {path}: the file cannot be read: {getattr(error, 'strerror', None) or error}."
        ) from None
    except yaml.YAMLError as error:
        raise OptionError(f"--config {path}: this is not valid YAML.\n{error}") from None
    if not isinstance(content, dict):
        raise OptionError(
            f"--config {path}: expected lines like 'epochs: 40', received {type(content).__name__}."
        )
    names = {str(name).replace("-", "_"): value for name, value in content.items()}
    for name in names:
        if name not in known and name not in PLACES and name != "task":
            raise OptionError(
                f"--config {path}: there is no option '{name}'. {suggest(name, [*known, *PLACES, 'task'])}"
            )
    return names


def _set(
    settings: Iterable[str], flagged: Mapping[str, Any], known: Mapping[str, Mapping[str, Described]]
) -> dict[str, Any]:
    """The options given as `--set name=value`; [..], {..} and null are read as YAML."""
    import yaml

    chosen: dict[str, Any] = {}
    for setting in settings:
        name, value = _pair("--set", setting)
        name = name.strip().replace("-", "_")
        if name not in known:
            raise OptionError(f"--set {setting}: there is no option '{name}'. {suggest(name, known)}")
        if name in flagged:
            raise OptionError(
                f"'{name}' is given twice: by {_flag(name)} and by --set {setting}. Keep one of them."
            )
        try:
            chosen[name] = yaml.safe_load(value) if value[:1] in ("[", "{") or value == "null" else value
        except yaml.YAMLError:
            raise OptionError(f"--set {setting}: the value is not a valid YAML list or mapping.") from None
        if next(iter(known[name].values())).kind == "many" and isinstance(chosen[name], str):
            chosen[name] = (chosen[name],)
    return chosen


def _pair(flag: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise OptionError(f"{flag} {text}: expected NAME=VALUE, received '{text}'.")
    return name, value


def _refuse_foreign(task: str, options: Iterable[str], known: Mapping[str, Mapping[str, Described]]) -> None:
    """OptionError for an option that other tasks have and this one has not."""
    own = [name for name, tasks in known.items() if task in tasks]
    for name in options:
        if name not in own:
            raise OptionError(
                f"{_flag(name)} has no effect on {task}; it is an option of {', '.join(known[name])}. "
                f"`deepfit tasks {task}` lists what there is."
            )


def _task_if_clear(named: Any, source: Any, target: Any) -> str | None:
    """The task that help is asked for; None where the source tells none, since help must not fail on data."""
    if named:
        return catalog.spelled(str(named))
    try:
        return catalog.infer(str(source), target)[0] if source is not None else None
    except DeepfitError:
        return None


def _named_by(word: str) -> str:
    return re.sub(r"^-+", "", word.partition("=")[0]).replace("-", "_")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
