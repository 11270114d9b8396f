"""What the session gives back: masks, scores and progress, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

__all__ = [
    "NO_SCORES",
    "Candidate",
    "FrameScores",
    "MaskUpdate",
    "Progress",
    "Scores",
    "Window",
    "with_others",
]

Window: TypeAlias = tuple[int, int, int, int]
"""A part of a plane, ``(y0, x0, y1, x1)`` in data pixels, half open."""


@dataclass(frozen=True, slots=True)
class Scores:
    """How sure the model is of one object on one frame.

    Parameters
    ----------
    iou_score : float
        The model's own estimate of the mask's IoU, 0 to 1 (1 for a mask taken as it is).
    stability_score : float
        IoU of the masks at logit thresholds +1 and -1, 0 to 1 (Kirillov et al. 2023, Segment Anything, section 5).
    object_score : float
        Logit: is the object on this frame at all.
    area : int
        Pixels of the mask.
    overlap : float
        IoU with the mask of the previous frame of the pass, NaN where there is none.
    stopped : str
        Why tracking stopped here: "" (it did not), "empty", "object_score" or "growth".
    """

    iou_score: float
    stability_score: float
    object_score: float
    area: int
    overlap: float = float("nan")
    stopped: str = ""


NO_SCORES: Final = Scores(float("nan"), float("nan"), float("nan"), 0)
"""The scores of a mask that was taken away."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskUpdate:
    """The new mask of one object on one frame.

    Parameters
    ----------
    object_id : int
        The value in the Labels layer.
    frame : int
        Index along the propagation axis.
    window : tuple of int
        ``(y0, x0, y1, x1)``, half open: the union of the old and the new bounding box. Outside it nothing changed. It is
        ``(0, 0, 0, 0)`` where there was no mask and is none.
    mask : ndarray of bool, shape (y1 - y0, x1 - x0)
        The object inside the window.
    labels : ndarray of unsigned int, same shape
        The labels inside the window, contested pixels decided: what a Labels layer shows.
    scores : Scores
    revision : int
        Number of the session's state that this belongs to; it grows with every change.
    others : tuple of MaskUpdate
        Of other frames that changed with this one; see `Session.add_prompt`.
    """

    object_id: int
    frame: int
    window: Window
    mask: np.ndarray
    labels: np.ndarray
    scores: Scores
    revision: int = 0
    others: tuple[MaskUpdate, ...] = ()


def with_others(updates: Sequence[MaskUpdate], frame: int) -> MaskUpdate:
    """Return the update of a frame, with those of the other frames inside."""
    first = next(update for update in updates if update.frame == frame)
    return replace(first, others=tuple(update for update in updates if update is not first))


@dataclass(frozen=True, slots=True, eq=False)
class FrameScores:
    """The scores of one object over all frames, for plots and tables.

    Parameters
    ----------
    frame : ndarray of int, shape (n,)
        The frames that have a mask, ascending.
    iou_score, stability_score, object_score, area, overlap : ndarray of float, shape (n,)
        See `Scores`.
    prompted : ndarray of bool, shape (n,)
        Whether the frame carries a prompt of this object.
    """

    frame: np.ndarray
    iou_score: np.ndarray
    stability_score: np.ndarray
    object_score: np.ndarray
    area: np.ndarray
    overlap: np.ndarray
    prompted: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One of the masks that an ambiguous click may mean.

    Parameters
    ----------
    index : int
        What `Session.choose` takes.
    mask : ndarray of bool, shape (y, x)
        The whole plane.
    iou_score, stability_score : float
        See `Scores`.
    chosen : bool
        Whether this is the object's mask now.
    """

    index: int
    mask: np.ndarray
    iou_score: float
    stability_score: float
    chosen: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long job is.

    Parameters
    ----------
    done, total : int
        Steps finished and steps in all.
    what : str
        A short text for the user.
    """

    done: int
    total: int
    what: str = ""
