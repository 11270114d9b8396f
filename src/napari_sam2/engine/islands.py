"""Specks and pinholes of a mask: a click in one nucleus often finds bits of its neighbours, and misses a nucleolus."""

# mypy: allow-untyped-calls
# (scipy has no types)

from __future__ import annotations

import numpy as np
from scipy import ndimage

__all__ = ["find_islands", "find_small_holes"]

_DIAGONAL = np.ones((3, 3), dtype=bool)
_LARGEST_HOLE = 0.05  # of the mask's area


def find_islands(mask: np.ndarray, seed: np.ndarray) -> np.ndarray:
    """Find the parts of a mask that touch no seed.

    Parameters
    ----------
    mask : ndarray of bool, (h, w)
        Pixels that share a corner belong together.
    seed : ndarray of bool, (h, w)
        Clicked places, or where the object was before.

    Returns
    -------
    ndarray of bool, (h, w)
        Nothing where no part touches the seed: then nothing is known of any of them.
    """
    parts, _ = ndimage.label(mask, _DIAGONAL)
    kept = np.unique(parts[seed & mask])
    if not len(kept):
        return np.zeros_like(mask)
    return mask & ~np.isin(parts, kept)


def find_small_holes(mask: np.ndarray, spared: np.ndarray | None = None) -> np.ndarray:
    """Find the holes of at most a twentieth of a mask's area.

    Parameters
    ----------
    mask : ndarray of bool, (h, w)
        What the rim of the window cuts is no hole.
    spared : ndarray of bool, (h, w), optional
        Places of which was said that they are outside: a hole with one of them does not count.

    Returns
    -------
    ndarray of bool, (h, w)
    """
    parts, _ = ndimage.label(~mask)
    areas = np.bincount(parts.ravel())
    is_hole = areas <= _LARGEST_HOLE * np.count_nonzero(mask)
    is_hole[np.concatenate((parts[[0, -1]].ravel(), parts[:, [0, -1]].ravel()))] = False
    is_hole[0] = False  # the mask
    if spared is not None:
        is_hole[parts[spared]] = False
    return np.asarray(is_hole[parts])
