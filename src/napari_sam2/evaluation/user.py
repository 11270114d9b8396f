"""The simulated user: clicks and boxes made from the truth, corrections from what is still wrong. Nothing in it is random."""

# mypy: allow-untyped-calls
# (scipy has no types)

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_sam2.prompts import Box, Point

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["box_around", "correction", "deepest_point", "first_click"]


def deepest_point(mask: np.ndarray) -> tuple[float, float]:
    """Return the pixel of a mask that is farthest from its border; the edge of the plane is a border too.

    Parameters
    ----------
    mask : ndarray of bool, (y, x)
        Not empty.

    Returns
    -------
    tuple of float
        (y, x); of several such pixels the first one, row by row.
    """
    from scipy.ndimage import distance_transform_edt

    y0, x0, y1, x1 = _bounds(mask)
    inner = np.pad(mask[y0:y1, x0:x1], 1)
    y, x = np.unravel_index(int(distance_transform_edt(inner).argmax()), inner.shape)
    return float(y0 + y - 1), float(x0 + x - 1)


def first_click(truth: np.ndarray, frame: int) -> Point:
    """Click an object, bool, (y, x), where it is deepest."""
    return Point(frame, deepest_point(truth))


def correction(
    result: np.ndarray, truth: np.ndarray, frame: int, earlier: Sequence[Point] = ()
) -> Point | None:
    """Click the largest region of the error where it is deepest.

    Parameters
    ----------
    result, truth : ndarray of bool, (y, x)
        What there is, and what should be.
    frame : int
        Where.
    earlier : sequence of Point
        Clicks given already: nobody clicks the same pixel twice, so they count as a border.

    Returns
    -------
    Point or None
        Positive where something is missing, negative where something is too much; of regions of one size the missing one.
        None if there is nothing to correct.
    """
    clicked = np.zeros(truth.shape, dtype=bool)
    for point in earlier:
        if point.frame == frame:
            clicked[round(point.yx[0]), round(point.yx[1])] = True
    missing = _largest_region(truth & ~result & ~clicked)
    excess = _largest_region(result & ~truth & ~clicked)
    if not (missing.any() or excess.any()):
        return None
    positive = int(missing.sum()) >= int(excess.sum())
    return Point(frame, deepest_point(missing if positive else excess), positive)


def box_around(truth: np.ndarray, frame: int) -> Box:
    """Draw the box along the outer edges of an object's outermost pixels, as far as they lie in the plane."""
    y0, x0, y1, x1 = _bounds(truth)
    last = np.subtract(truth.shape, 1)
    low = np.maximum((y0 - 0.5, x0 - 0.5), 0)
    high = np.minimum((y1 - 0.5, x1 - 0.5), last)
    return Box(frame, (float(low[0]), float(low[1])), (float(high[0]), float(high[1])))


def _largest_region(mask: np.ndarray) -> np.ndarray:
    """Return the largest part whose pixels share edges; of several, the first one, row by row."""
    from scipy.ndimage import label

    if not mask.any():
        return mask
    y0, x0, y1, x1 = _bounds(mask)
    regions, _ = label(mask[y0:y1, x0:x1])
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0
    largest = np.zeros_like(mask)
    largest[y0:y1, x0:x1] = regions == sizes.argmax()
    return largest


def _bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return the bounding box (y0, x0, y1, x1) of a mask, half open."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert rows.size, "an empty mask has no place to click"
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
