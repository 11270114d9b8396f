"""Parts of an object that hang together over frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import ndimage

from napari_sam2.engine.masks import intersect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sam2.engine.masks import CompactMask
    from napari_sam2.results import Window

__all__ = ["connected_part"]

_NEIGHBOURS: Final = np.ones((3, 3), dtype=bool)  # also across corners


@dataclass(slots=True, eq=False)
class _Pieces:
    """The connected pieces of a mask on one frame, and those that were reached."""

    window: Window
    labels: np.ndarray
    number: int
    reached: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, mask: CompactMask) -> _Pieces:
        labels, number = ndimage.label(mask.inside(mask.window), structure=_NEIGHBOURS)
        return cls(mask.window, labels, number)

    def inside(self, window: Window) -> np.ndarray:
        y0, x0, y1, x1 = window
        top, left = self.window[:2]
        return self.labels[y0 - top : y1 - top, x0 - left : x1 - left]


def connected_part(
    masks: Mapping[int, CompactMask], frame: int, yx: tuple[int, int]
) -> tuple[dict[int, np.ndarray], bool]:
    """Find what is connected to a place, within frames (also by corners) and from each frame to the next.

    Parameters
    ----------
    masks : mapping of int to CompactMask
        One object's masks by frame; none is empty.
    frame : int
        Where.
    yx : tuple of int
        A pixel of the mask on that frame.

    Returns
    -------
    part : dict of int to ndarray of bool
        By frame, the pixels inside the mask's window; frames that it does not reach are missing.
    is_all : bool
        Whether the object has no other part.
    """
    pieces = {f: _Pieces.of(mask) for f, mask in masks.items()}
    y, x = yx
    start = int(pieces[frame].inside((y, x, y + 1, x + 1))[0, 0])
    pieces[frame].reached.add(start)
    to_do = [(frame, start)]
    while to_do:
        here, piece = to_do.pop()
        for there in (here - 1, here + 1):
            if there in pieces:
                found = _touched(pieces[here], piece, pieces[there]) - pieces[there].reached
                pieces[there].reached |= found
                to_do += [(there, other) for other in found]
    part = {f: np.isin(p.labels, list(p.reached)) for f, p in pieces.items() if p.reached}
    return part, all(len(p.reached) == p.number for p in pieces.values())


def _touched(here: _Pieces, piece: int, there: _Pieces) -> set[int]:
    """Name the pieces of another frame that lie over or under a piece."""
    common = intersect(here.window, there.window)
    if common is None:
        return set()
    below = there.inside(common)[here.inside(common) == piece]
    return {int(label) for label in np.unique(below)} - {0}
