"""The real data sets that ship with deepfit."""

from __future__ import annotations

from pathlib import Path

from deepfit.errors import DataError


def data_folder() -> str:
    """The folder of the example data: in the installed package, or else in the checkout around it."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "examples", package.parents[1] / "examples" / "data"):
        if folder.is_dir():
            return str(folder)
    raise DataError(
        f"The example data were not installed with deepfit: there is no folder {package / 'examples'}."
    )
