"""Specks and pinholes of a mask: a click in one nucleus often finds bits of its neighbours, and misses a nucleolus."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

__all__ = ["drop_islands", "fill_holes"]

_DIAGONAL = np.ones((3, 3), dtype=bool)
_LARGEST_HOLE = 0.05  # of the mask's area


def drop_islands(logits: torch.Tensor, seed: np.ndarray) -> torch.Tensor:
    """Turn the parts of a mask that touch no seed into background.

    Parameters
    ----------
    logits : Tensor, (h, w)
        Positive inside; pixels that share a corner belong together.
    seed : ndarray of bool, (h, w)
        Clicked places, or where the object was before.

    Returns
    -------
    Tensor, (h, w)
        The same logits, with the sign turned in what was dropped. Where no part touches the seed, nothing is known, and all
        of them stay.
    """
    parts, count = ndimage.label((logits > 0).cpu().numpy(), _DIAGONAL)
    kept = np.unique(parts[seed])
    kept = kept[kept > 0]
    if not len(kept) or len(kept) == count:
        return logits
    gone = torch.from_numpy((parts > 0) & ~np.isin(parts, kept)).to(logits.device)
    return torch.where(gone, -logits, logits)


def fill_holes(logits: torch.Tensor, spared: np.ndarray | None = None) -> torch.Tensor:
    """Turn the small holes of a mask into parts of it.

    Parameters
    ----------
    logits : Tensor, (h, w)
        Positive inside.
    spared : ndarray of bool, (h, w), optional
        Places of which was said that they are outside: a hole with one of them stays.

    Returns
    -------
    Tensor, (h, w)
        The same logits, with the sign turned in holes of at most a twentieth of the mask's area. What the rim of the window
        cuts is no hole.
    """
    inside = (logits > 0).cpu().numpy()
    parts, count = ndimage.label(~inside)
    if count < 2:
        return logits
    areas = np.bincount(parts.ravel())
    is_hole = areas <= _LARGEST_HOLE * np.count_nonzero(inside)
    rim = np.concatenate((parts[[0, -1]].ravel(), parts[:, [0, -1]].ravel()))
    is_hole[rim] = False
    is_hole[0] = False
    if spared is not None:
        is_hole[parts[spared]] = False
    if not is_hole.any():
        return logits
    return torch.where(torch.from_numpy(is_hole[parts]).to(logits.device), -logits, logits)
