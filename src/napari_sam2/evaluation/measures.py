"""How well a result fits the truth: on a plane, over frames, and over many objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari_sam2.evaluation.scene import Planes

__all__ = ["FAILURE", "LOST", "CarryScores", "FrameCounts", "Summary", "count_frames", "iou"]

FAILURE = 0.5
"""An object below this IoU has failed."""

LOST = 0.1
"""A frame below this IoU is lost."""


def iou(result: np.ndarray, truth: np.ndarray) -> float:
    """Return intersection over union of two masks; 1 if both are empty."""
    union = np.count_nonzero(result | truth)
    return np.count_nonzero(result & truth) / union if union else 1.0


@dataclass(frozen=True, slots=True, eq=False)
class FrameCounts:
    """Pixels of one object on every frame.

    Parameters
    ----------
    found, real, both : ndarray of int, (frame,)
        Of the result, of the truth, and of both at once.
    """

    found: np.ndarray
    real: np.ndarray
    both: np.ndarray

    def only(self, frames: range) -> FrameCounts:
        """Leave out what is found on other frames."""
        kept = np.zeros(len(self.found), dtype=bool)
        kept[frames.start : frames.stop] = True
        return FrameCounts(*(np.where(kept, c, 0) for c in (self.found, self.real, self.both)))

    @property
    def wrong(self) -> np.ndarray:
        """Wrong pixels of every frame."""
        return np.asarray(self.found + self.real - 2 * self.both)

    @property
    def ious(self) -> np.ndarray:
        """IoU of the frames that have the object in truth, ascending by frame."""
        there = self.real > 0
        return np.asarray(self.both[there] / (self.found + self.real - self.both)[there])


@dataclass(frozen=True, slots=True)
class CarryScores:
    """How well one object was carried over the frames.

    Parameters
    ----------
    iou, dice : float
        Of all its voxels.
    frame_iou : float
        Mean of the IoU over the frames that have it in truth.
    leak : float
        Voxels found outside over voxels of the object.
    lost : float
        Share of its frames with an IoU under 0.1.
    """

    iou: float
    dice: float
    frame_iou: float
    leak: float
    lost: float

    @classmethod
    def of(cls, counts: FrameCounts) -> CarryScores:
        """Score an object that is in truth on one frame or more."""
        found, real, both = (int(c.sum()) for c in (counts.found, counts.real, counts.both))
        ious = counts.ious
        return cls(
            iou=both / (found + real - both),
            dice=2 * both / (found + real),
            frame_iou=float(ious.mean()),
            leak=(found - both) / real,
            lost=float((ious < LOST).mean()),
        )


def count_frames(
    result: Planes, truth: np.ndarray, object_ids: Sequence[int]
) -> Mapping[int, FrameCounts]:
    """Count the pixels of objects on every frame.

    Parameters
    ----------
    result : sequence of ndarray of int, (y, x)
        Labels by frame.
    truth : ndarray of int, (frame, y, x)
        The same ids.
    object_ids : sequence of int
        Which.

    Returns
    -------
    mapping of int to FrameCounts
    """
    ids = np.unique(np.asarray(object_ids, dtype=np.int64))
    tables = np.zeros((len(truth), 3, len(ids)), dtype=np.int64)
    for frame, real in enumerate(truth):
        found = np.asarray(result[frame])
        for row, labels in enumerate((found, real, real[found == real])):
            present, areas = np.unique(labels, return_counts=True)
            _, here, there = np.intersect1d(present, ids, return_indices=True)
            tables[frame, row, there] = areas[here]
    return {int(i): FrameCounts(*tables[:, :, column].T) for column, i in enumerate(ids)}


@dataclass(frozen=True, slots=True)
class Summary:
    """Many objects in a few numbers.

    Parameters
    ----------
    n : int
        Objects.
    median, lower, upper : float
        Median and quartiles; NaN if there are none.
    failures : int
        Objects under 0.5.
    """

    n: int
    median: float
    lower: float
    upper: float
    failures: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Summary:
        """Sum up values; those that are NaN do not count."""
        known = np.array([v for v in values if not np.isnan(v)])
        if not known.size:
            return cls(0, np.nan, np.nan, np.nan, 0)
        lower, median, upper = (float(q) for q in np.percentile(known, (25, 50, 75)))
        return cls(known.size, median, lower, upper, int((known < FAILURE).sum()))
