"""Name the toy in a picture."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, Field

from deepfit import options


class ToyPictures:
    class Options(options.Options):
        size_px: int = Field(28, ge=8, le=512, description="side of the pictures")
        flip: bool = Field(False, description="mirror pictures at random")

    main_metric: ClassVar[str] = "accuracy"

    def __init__(self, options: BaseModel) -> None:
        self.options = options

    @classmethod
    def suits(cls, source, target):
        return "it is a folder" if Path(str(source)).is_dir() else None
