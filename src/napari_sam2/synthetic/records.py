"""What the drawing functions hand out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["BoolArray", "FloatArray", "LabelArray", "Movie", "Sample", "Seed"]

FloatArray: TypeAlias = NDArray[np.float32]
LabelArray: TypeAlias = NDArray[np.int32]
BoolArray: TypeAlias = NDArray[np.bool_]
Seed: TypeAlias = int | tuple[int, ...] | np.random.Generator


@dataclass(frozen=True, slots=True)
class Sample:
    """One drawn plane and its truth.

    Parameters
    ----------
    image : ndarray of float32, (y, x) or (y, x, 3)
        Intensities in 0..1.
    labels : ndarray of int32, (y, x)
        0 is background, each object has an id of its own, from 1 without gaps.
    kind : str
        One of `napari_sam2.synthetic.KINDS`.
    """

    image: FloatArray
    labels: LabelArray
    kind: str


@dataclass(frozen=True, slots=True)
class Movie:
    """A drawn stack or time-lapse and its truth.

    Parameters
    ----------
    image : ndarray, (frame, y, x) or (frame, y, x, 3)
        float32 in 0..1 for clips, uint16 for sample data.
    labels : ndarray of int32, (frame, y, x)
        The same id is the same object on every frame.
    kind : str
        One of `napari_sam2.synthetic.KINDS`.
    parents : mapping of int to int
        Daughter id to the id of the cell that divided. The parent's id ends with the frame before the division, and
        both daughters have new ids.
    """

    image: NDArray[Any]
    labels: LabelArray
    kind: str
    parents: Mapping[int, int] = field(default_factory=dict)
