"""Segment z-stacks and time-lapses from one click per object, with SAM 2.

The public names are loaded when they are first used: importing the package loads neither torch nor napari.

Examples
--------
>>> import napari_sam2 as sam2
>>> model = sam2.load_model("nano")                                           # doctest: +SKIP
>>> session = sam2.Session(stack, model)                                      # doctest: +SKIP
>>> update = session.add_prompt(1, sam2.Point(frame=3, yx=(140.0, 88.5)))     # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_sam2 import errors
    from napari_sam2._napari.scripting import open_session as open
    from napari_sam2.model.load import load_model
    from napari_sam2.prompts import Box, MaskPrompt, Point, Scribble
    from napari_sam2.results import Candidate, FrameScores, MaskUpdate, Progress, Scores
    from napari_sam2.session import Session
    from napari_sam2.session.journal import JournalInfo, has_journal
    from napari_sam2.stack import Stack, open_stack

    __version__: str

__all__ = [
    "Box",
    "Candidate",
    "FrameScores",
    "JournalInfo",
    "MaskPrompt",
    "MaskUpdate",
    "Point",
    "Progress",
    "Scores",
    "Scribble",
    "Session",
    "Stack",
    "__version__",
    "errors",
    "has_journal",
    "load_model",
    "open",
    "open_stack",
]

_HOME = {
    "Box": "prompts",
    "Candidate": "results",
    "FrameScores": "results",
    "JournalInfo": "session.journal",
    "MaskPrompt": "prompts",
    "MaskUpdate": "results",
    "Point": "prompts",
    "Progress": "results",
    "Scores": "results",
    "Scribble": "prompts",
    "Session": "session",
    "Stack": "stack",
    "has_journal": "session.journal",
    "load_model": "model.load",
    "open": "_napari.scripting:open_session",
    "open_stack": "stack",
}


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("napari-sam2")
    elif name == "errors":
        value = import_module("napari_sam2.errors")
    elif name in _HOME:
        module, _, attribute = _HOME[name].partition(":")
        value = getattr(import_module(f"napari_sam2.{module}"), attribute or name)
    else:
        raise AttributeError(f"module 'napari_sam2' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
