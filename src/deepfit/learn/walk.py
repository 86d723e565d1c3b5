"""A lesson step by step: what it yields, and before that the source code that made it.

A lesson is its own page. Each statement of `lesson` that is not mere prose or the layout of a table is shown
as code when its first result appears; functions of the module are shown when they are first used, so a
reader meets nothing unexplained.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from deepfit.contract import Progress
from deepfit.report.view import Figure, Table

LONG_WORDS = 40
"""Captions longer than this are left out of the code, since they stand below their figure."""


@dataclass(frozen=True)
class Code:
    """Source lines that the next results come from."""

    text: str


Shown = str | Figure | Table | Progress
"""What a lesson yields: prose in Markdown, a figure, a table, or the progress of a training."""


def walk(name: str, seed: int = 0) -> Iterator[Shown | Code]:
    """Run the lesson of this name; yield what it yields, and the code that made it just before."""
    module = import_module(f"deepfit.learn.{name.replace('-', '_')}")
    source = Source(module)
    lesson = module.lesson(seed)
    for item in lesson:
        line = lesson.gi_frame.f_lineno
        if not isinstance(item, Progress) and (code := source.until(line)):
            yield Code(code)
        yield inspect.cleandoc(item) if isinstance(item, str) else item


class Source:
    """The source of a lesson's module, handed out as the lesson reaches it."""

    def __init__(self, module: ModuleType) -> None:
        self.lines = inspect.getsource(module).splitlines()
        body = ast.parse("\n".join(self.lines)).body
        lesson = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == "lesson")
        self.statements = [node for node in lesson.body if not _is_text(node)]
        self.definitions = {name: node for node in body if node is not lesson for name in _defines(node)}
        self.imports = {name: node for node in body for name in _imports(node)}
        self.shown: set[int] = set()
        self.reached = 0

    def until(self, line: int) -> str:
        """The code from where the last call ended to the statement at this line; "" where all was shown."""
        fresh = []
        while self.reached < len(self.statements) and self.statements[self.reached].lineno <= line:
            node = self.statements[self.reached]
            if not _is_prose(node):
                fresh.append(node)
            self.reached += 1
        needed: list[ast.stmt] = []
        for node in fresh:
            self._gather(node, needed)
        imported = [node for node in needed if isinstance(node, ast.Import | ast.ImportFrom)]
        defined = sorted((node for node in needed if node not in imported), key=lambda node: node.lineno)
        blocks = ["\n".join(self._text(node) for node in sorted(imported, key=lambda node: node.lineno))]
        blocks += [self._text(node) for node in defined]
        text = ""
        for before, node in zip([None, *fresh], fresh, strict=False):
            gap = "\n" if before is None or node.lineno - (before.end_lineno or 0) < 2 else "\n\n"
            text += gap + self._text(node)
        blocks.append(text.strip("\n"))
        return "\n\n".join(block for block in blocks if block)

    def _gather(self, node: ast.stmt, needed: list[ast.stmt]) -> None:
        """Note the imports and definitions that a statement uses and that were not shown yet."""
        for each in ast.walk(node):
            used = (
                self.definitions.get(each.id) or self.imports.get(each.id)
                if isinstance(each, ast.Name)
                else None
            )
            if used is not None and id(used) not in self.shown:
                self.shown.add(id(used))
                self._gather(used, needed)
                needed.append(used)

    def _text(self, node: ast.stmt) -> str:
        """The lines of a statement and of the comments just above it, without indentation and captions."""
        start = node.lineno - 1
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.decorator_list:
            start = node.decorator_list[0].lineno - 1
        while start and self.lines[start - 1].strip().startswith("#") and "noqa" not in self.lines[start - 1]:
            start -= 1
        lines = self.lines[start : node.end_lineno]
        for caption in sorted(_captions(node), key=lambda each: -each.lineno):
            first, last = caption.lineno - 1 - start, (caption.end_lineno or caption.lineno) - 1 - start
            before = lines[first].encode()[: caption.col_offset].decode()
            after = lines[last].encode()[caption.end_col_offset :].decode()
            lines[first : last + 1] = [f'{before}"..."{after}']
        return inspect.cleandoc("\n".join(["", *lines]))


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_prose(node: ast.stmt) -> bool:
    """Whether a statement only yields words: prose, or a table, whose code is mere layout."""
    yielded = node.value.value if isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield) else None
    if isinstance(yielded, ast.Call):
        return isinstance(yielded.func, ast.Name) and yielded.func.id == "Table"
    return isinstance(yielded, ast.JoinedStr | ast.Constant)


def _defines(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]


def _imports(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ImportFrom) and node.module in ("__future__", "collections.abc"):
        return []
    names = node.names if isinstance(node, ast.Import | ast.ImportFrom) else []
    return [(each.asname or each.name).partition(".")[0] for each in names]


def _captions(node: ast.stmt) -> list[ast.expr]:
    """The long captions in the figures and tables that a statement makes."""
    made = [
        each
        for each in ast.walk(node)
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Name)
        and each.func.id in ("Figure", "Table")
    ]
    captions = [each.args[1] for each in made if each.func.id == "Figure" and len(each.args) > 1]  # pyright: ignore[reportAttributeAccessIssue]
    captions += [word.value for each in made for word in each.keywords if word.arg == "caption"]
    return [
        each
        for each in captions
        if isinstance(each, ast.JoinedStr | ast.Constant)
        and (each.end_lineno != each.lineno or (each.end_col_offset or 0) - each.col_offset > LONG_WORDS)
    ]
