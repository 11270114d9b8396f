"""What a user can say about an object on one frame: points, a box, a mask, a scribble.

All coordinates are data pixels in (y, x) order; pixel centres are integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from napari_sam2.errors import PromptError

__all__ = ["Box", "MaskPrompt", "Point", "Prompt", "Scribble"]


@dataclass(frozen=True, slots=True)
class Point:
    """One click.

    Parameters
    ----------
    frame : int
        Index along the propagation axis, from 0.
    yx : tuple of float
        Data pixels; pixel centres are integers.
    positive : bool
        False takes the place away from the object.

    Raises
    ------
    PromptError
        If the frame is negative or a coordinate is not finite.
    """

    frame: int
    yx: tuple[float, float]
    positive: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", _frame(self.frame))
        object.__setattr__(self, "yx", _pair(self.yx, "yx"))
        object.__setattr__(self, "positive", bool(self.positive))


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle around the object.

    Parameters
    ----------
    frame : int
        Index along the propagation axis, from 0.
    yx_min, yx_max : tuple of float
        Opposite corners, data pixels; ``yx_min`` must lie above and to the left of ``yx_max``.

    Raises
    ------
    PromptError
        If the box has no extent or a coordinate is not finite.
    """

    frame: int
    yx_min: tuple[float, float]
    yx_max: tuple[float, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", _frame(self.frame))
        object.__setattr__(self, "yx_min", _pair(self.yx_min, "yx_min"))
        object.__setattr__(self, "yx_max", _pair(self.yx_max, "yx_max"))
        if not (self.yx_min[0] < self.yx_max[0] and self.yx_min[1] < self.yx_max[1]):
            raise PromptError(
                f"box from {self.yx_min} to {self.yx_max} has no extent; yx_min must be smaller "
                "than yx_max on both axes."
            )


@dataclass(frozen=True, slots=True, eq=False)
class MaskPrompt:
    """The object's pixels on one frame.

    Parameters
    ----------
    frame : int
        Index along the propagation axis, from 0.
    mask : ndarray
        Bool, shape (y, x) of the whole plane. With ``refine=True`` also a soft mask: float, the probability of each
        pixel, 0 to 1.
    refine : bool
        False: the mask is taken exactly as it is. True: it is a hint that the decoder improves.

    Raises
    ------
    PromptError
        If the mask is not two-dimensional, is soft without ``refine``, or has values outside 0 to 1.
    """

    frame: int
    mask: np.ndarray
    refine: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", _frame(self.frame))
        object.__setattr__(self, "refine", bool(self.refine))
        object.__setattr__(self, "mask", _mask(self.mask, self.refine))


@dataclass(frozen=True, slots=True)
class Scribble:
    """A stroke over the object (or over what does not belong to it).

    Parameters
    ----------
    frame : int
        Index along the propagation axis, from 0.
    path_yx : tuple of (float, float)
        Vertices of the stroke, data pixels; at least one.
    positive : bool
        False takes the places under the stroke away from the object.

    Raises
    ------
    PromptError
        If the path is empty or a coordinate is not finite.
    """

    frame: int
    path_yx: tuple[tuple[float, float], ...]
    positive: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", _frame(self.frame))
        object.__setattr__(self, "positive", bool(self.positive))
        path = tuple(_pair(yx, "path_yx") for yx in self.path_yx)
        if not path:
            raise PromptError("scribble has no vertices; give at least one (y, x).")
        object.__setattr__(self, "path_yx", path)


Prompt: TypeAlias = Point | Box | MaskPrompt | Scribble


def _frame(frame: int) -> int:
    if isinstance(frame, (bool, np.bool_)) or int(frame) != frame or frame < 0:
        raise PromptError(
            f"frame {frame!r} is not a frame; frames are whole numbers from 0 along the "
            "propagation axis."
        )
    return int(frame)


def _pair(yx: tuple[float, float], name: str) -> tuple[float, float]:
    values = tuple(float(v) for v in yx)
    if len(values) != 2 or not all(np.isfinite(values)):
        raise PromptError(f"{name} {values} must be two finite numbers, (y, x) in data pixels.")
    return values[0], values[1]


def _mask(mask: np.ndarray, refine: bool) -> np.ndarray:
    array = np.asarray(mask)
    if array.ndim != 2:
        raise PromptError(
            f"mask of shape {array.shape} must be two-dimensional, (y, x); give one plane."
        )
    if array.dtype.kind == "f" and not np.isin(array, (0.0, 1.0)).all():
        if not refine:
            raise PromptError(
                "a soft mask (values between 0 and 1) cannot be taken as it is; threshold it, or "
                "set refine=True."
            )
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise PromptError("a soft mask must lie between 0 and 1; these are probabilities.")
        array = array.astype(np.float32)
    else:
        array = array.astype(bool)
    array = array.copy()
    array.setflags(write=False)
    return array
