"""What a task's `Options` say of themselves: one record an option, for flags, help, tables and docs pages."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Union, get_args, get_origin

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

WORDS = {int: "N", float: "NUMBER", str: "TEXT"}
UNITS = {
    "minutes": "MINUTES",
    "s": "SECONDS",
    "hz": "HERTZ",
    "px": "PIXELS",
    "mb": "MEGABYTES",
    "path": "PATH",
    "file": "FILE",
}
BOUNDS = {
    "ge": ">= ",
    "gt": "> ",
    "le": "<= ",
    "lt": "< ",
    "min_length": "length >= ",
    "max_length": "length <= ",
}


class Described(NamedTuple):
    """One option.

    kind: "switch" (--x/--no-x), "value" (--x VALUE), "many" (--x VALUE, repeated) or "pairs" (--x NAME=VALUE,
    repeated).
    word: what stands for the value in help. choices: the values allowed, where they are listed. range: bounds
    in words, or "".
    default: as text; "required" where there is none. shared: every task has it.
    """

    name: str
    flag: str
    kind: str
    word: str
    choices: tuple[str, ...]
    range: str
    default: str
    meaning: str
    shared: bool


def describe(model: type[BaseModel]) -> list[Described]:
    """The options of a task, its own first, then those that every task shares."""
    from deepfit.options import Options

    described = [
        _described(name, field, name in Options.model_fields) for name, field in model.model_fields.items()
    ]
    return sorted(described, key=lambda option: option.shared)


def _described(name: str, field: FieldInfo, shared: bool) -> Described:
    annotation = _without_none(field.annotation)
    kind, value, choices = _shape(annotation)
    limits = list(field.metadata)
    for each in getattr(annotation, "__metadata__", ()):  # of one type among several
        limits += getattr(each, "metadata", [each])
    unit = field.json_schema_extra.get("unit") if isinstance(field.json_schema_extra, Mapping) else None
    word = (
        "|".join(choices)
        or str(unit or UNITS.get(name.rpartition("_")[2]) or WORDS.get(value, "TEXT")).upper()
    )
    word = "|".join([word, *_words(field.annotation)])
    return Described(
        name=name,
        flag="--" + name.replace("_", "-"),
        kind=kind,
        word=f"NAME={word}" if kind == "pairs" else word,
        choices=choices,
        range=_range(limits),
        default="required" if field.is_required() else _text(field.get_default(call_default_factory=True)),
        meaning=field.description or "",
        shared=shared,
    )


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [each for each in get_args(annotation) if each is not type(None)]
        return rest[0] if rest else annotation
    return annotation


def _words(annotation: Any) -> list[str]:
    """The words that an option takes besides values of its type: `auto` of "NUMBER|auto"."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return []
    return [
        str(word)
        for each in get_args(annotation)[1:]
        if get_origin(each) is Literal
        for word in get_args(each)
    ]


def _shape(annotation: Any) -> tuple[str, Any, tuple[str, ...]]:
    """The kind of an option, the type of one of its values, and the values allowed."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return _shape(inner[0])
    if annotation is bool:
        return "switch", bool, ()
    if origin is Literal:
        return "value", str, tuple(str(each) for each in inner)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "pairs", *_shape(inner[1])[1:]
    if origin in (list, tuple, set, frozenset):
        return "many", *_shape(inner[0])[1:]
    return "value", annotation, ()


def _range(limits: list[Any]) -> str:
    """Bounds in words: ">= 0 and < 1"."""
    bounds = [
        f"{sign}{_text(getattr(limit, key))}"
        for limit in limits
        for key, sign in BOUNDS.items()
        if getattr(limit, key, None) is not None
    ]
    return " and ".join(dict.fromkeys(bounds))


def _text(value: Any) -> str:
    """A default or a bound as one would type it."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_text(each)}" for key, each in value.items()) or "none"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_text(each) for each in value) or "none"
    if isinstance(value, int) and value == 2**63:
        return "2^63"
    return f"{value:g}" if isinstance(value, float) else str(value)
