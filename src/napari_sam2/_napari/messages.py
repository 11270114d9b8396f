"""What crosses the border between the GUI thread and the worker: requests go in, answers come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_sam2.results import MaskUpdate, Progress

if TYPE_CHECKING:
    from napari_sam2._napari.coordinates import Placement
    from napari_sam2.prompts import Point

__all__ = [
    "AddPoints",
    "Answer",
    "Click",
    "Close",
    "ListModels",
    "ModelChoice",
    "ModelList",
    "Open",
    "Opened",
    "Propagate",
    "Recall",
    "Redo",
    "RemovePoints",
    "Request",
    "Said",
    "SessionNow",
    "Undo",
]


@dataclass(frozen=True, slots=True)
class Click:
    """A point and the object that it speaks of."""

    object_id: int
    point: Point


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that can be chosen.

    Parameters
    ----------
    name : str
        What `load_model` takes.
    title : str
        What the list shows.
    note : str
        A sentence for someone who has to choose.
    question : str
        What to ask before its weights are fetched; "" if they are here.
    window_side : int, optional
        How much of a large plane it should see around an object, in pixels, unless the user knows better.
    """

    name: str
    title: str
    note: str = ""
    question: str = ""
    window_side: int | None = None


# requests


@dataclass(frozen=True, slots=True)
class ListModels:
    """Tell which models there are."""


@dataclass(frozen=True, slots=True, eq=False)
class Open:
    """Begin a session.

    Parameters
    ----------
    array : array-like
        The data of an image layer, full resolution.
    placement : Placement
        Where the stack lies in it.
    rgb : bool
        Whether the last axis holds colours.
    model : str
        Name of the model.
    window_side : int, optional
        What `Session` takes.
    """

    array: Any
    placement: Placement
    rgb: bool
    model: str
    window_side: int | None = None


@dataclass(frozen=True, slots=True)
class AddPoints:
    """Give an object points on one frame."""

    object_id: int
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class RemovePoints:
    """Take points of one frame back."""

    object_id: int
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Propagate:
    """Carry all objects to all frames, until stopped."""


@dataclass(frozen=True, slots=True)
class Undo:
    """Take the last action back."""


@dataclass(frozen=True, slots=True)
class Redo:
    """Repeat what was taken back."""


@dataclass(frozen=True, slots=True)
class Recall:
    """Tell the session's state, so that the layers can follow it."""


@dataclass(frozen=True, slots=True)
class Close:
    """Let the session go."""


Request: TypeAlias = (
    ListModels | Open | AddPoints | RemovePoints | Propagate | Undo | Redo | Recall | Close
)


# answers


@dataclass(frozen=True, slots=True)
class ModelList:
    """The models, the bundled one first."""

    models: tuple[ModelChoice, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """The session is ready for prompts."""


@dataclass(frozen=True, slots=True)
class SessionNow:
    """The session's state after a request.

    Parameters
    ----------
    clicks : frozenset of Click
        All point prompts.
    undo, redo : str
        What would be taken back or repeated; "" for nothing.
    pending : bool
        Whether a propagation has anything to do.
    """

    clicks: frozenset[Click]
    undo: str
    redo: str
    pending: bool


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence for the user."""

    text: str


Answer: TypeAlias = ModelList | Opened | SessionNow | Said | MaskUpdate | Progress
