"""Requests about whole objects: what the table, the keys and the menus ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    import numpy as np

    from napari_sam2.prompts import Point
    from napari_sam2.session import Session

__all__ = [
    "Accept",
    "AddSeeds",
    "Call",
    "ImportLabels",
    "Lock",
    "Merge",
    "NextMask",
    "RemoveObjects",
    "Rename",
    "Split",
    "TakeMasks",
    "UseModel",
    "Wish",
    "Worst",
]


@dataclass(frozen=True, slots=True)
class RemoveObjects:
    """Delete objects."""

    object_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rename:
    """Give an object a name; "" for none."""

    object_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Merge:
    """Make one object of several; the lowest id stays."""

    object_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Make the part at a place an object of its own."""

    object_id: int
    frame: int
    yx: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Lock:
    """Protect an object, or protect it no more; None for the other of the two."""

    object_id: int
    on: bool | None = None


@dataclass(frozen=True, slots=True)
class Accept:
    """Say that an object is right on a frame."""

    object_id: int
    frame: int


@dataclass(frozen=True, slots=True)
class NextMask:
    """Take the next of the three masks that the clicks of a frame may mean."""

    object_id: int
    frame: int


@dataclass(frozen=True, slots=True)
class Worst:
    """Go to the lowest confidence that was not looked at.

    Parameters
    ----------
    seen : frozenset of (object_id, frame)
        What was looked at.
    """

    seen: frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True, eq=False)
class TakeMasks:
    """Take what was painted by hand as mask prompts of a frame.

    Parameters
    ----------
    frame : int
        Where.
    masks : mapping of int to ndarray of bool, (y, x)
        By object.
    """

    frame: int
    masks: Mapping[int, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class ImportLabels:
    """Make objects of labels.

    Parameters
    ----------
    labels : array-like of int, (frame, y, x), or (y, x)
        Every value but 0 becomes an object.
    name : str
        Of the layer.
    frame : int, optional
        Where a single plane belongs.
    """

    labels: Any
    name: str = ""
    frame: int | None = None


@dataclass(frozen=True, slots=True)
class AddSeeds:
    """Make one new object per point."""

    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """Let a script have the session for a moment; errors are the script's, not the window's.

    Parameters
    ----------
    function : callable
        Takes the session; what it returns becomes the outcome, and masks in it are shown.
    outcome : Future
        Where the script waits.
    is_step : bool
        Whether it is a step of a propagation, which must not be ended by looking at the history.
    """

    function: Callable[[Session], object]
    outcome: Future[Any]
    is_step: bool = False


@dataclass(frozen=True, slots=True)
class UseModel:
    """Go on with another model of the same architecture; masks stay as they are."""

    name: str


Wish: TypeAlias = (
    RemoveObjects
    | Rename
    | Merge
    | Split
    | Lock
    | Accept
    | NextMask
    | Worst
    | TakeMasks
    | ImportLabels
    | AddSeeds
    | Call
    | UseModel
)
