"""Masks in little memory, and who owns a contested pixel."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_sam2.results import Window

__all__ = ["NO_MASK", "Claim", "CompactMask", "Overlap", "compose", "intersect", "union"]

Overlap: TypeAlias = Literal["higher_logit", "first", "newest"]
"""Who gets a pixel that several objects claim."""


@dataclass(frozen=True, slots=True)
class CompactMask:
    """A mask as its bounding box and compressed bits.

    Parameters
    ----------
    window : tuple of int
        ``(y0, x0, y1, x1)`` of the mask's pixels, half open; ``(0, 0, 0, 0)`` if it is empty.
    area : int
        Pixels.
    packed : bytes
        The pixels of the window, one bit each, compressed with zlib.
    """

    window: Window
    area: int
    packed: bytes

    @classmethod
    def pack(cls, mask: np.ndarray, origin: tuple[int, int] = (0, 0)) -> CompactMask:
        """Pack a mask (y, x) whose first pixel lies at ``origin``."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            return NO_MASK
        y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        crop = mask[y0:y1, x0:x1]
        dy, dx = origin
        window = (int(y0) + dy, int(x0) + dx, int(y1) + dy, int(x1) + dx)
        return cls(window, int(crop.sum()), zlib.compress(np.packbits(crop).tobytes(), 1))

    def inside(self, window: Window) -> np.ndarray:
        """Return the mask's pixels inside a window, bool, (y1 - y0, x1 - x0)."""
        y0, x0, y1, x1 = window
        out = np.zeros((y1 - y0, x1 - x0), dtype=bool)
        common = intersect(window, self.window)
        if common is None:
            return out
        my0, mx0, my1, mx1 = self.window
        shape = (my1 - my0, mx1 - mx0)
        bits = np.frombuffer(zlib.decompress(self.packed), dtype=np.uint8)
        own = np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape).view(bool)
        cy0, cx0, cy1, cx1 = common
        out[cy0 - y0 : cy1 - y0, cx0 - x0 : cx1 - x0] = own[
            cy0 - my0 : cy1 - my0, cx0 - mx0 : cx1 - mx0
        ]
        return out

    def centre(self) -> tuple[float, float] | None:
        """Return the middle of the bounding box (y, x); None for an empty mask."""
        if not self.area:
            return None
        y0, x0, y1, x1 = self.window
        return (y0 + y1 - 1) / 2, (x0 + x1 - 1) / 2


NO_MASK: Final = CompactMask((0, 0, 0, 0), 0, b"")
"""The mask of nothing."""


def intersect(a: Window, b: Window) -> Window | None:
    """Return what two windows share, or None."""
    y0, x0, y1, x1 = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return (y0, x0, y1, x1) if y0 < y1 and x0 < x1 else None


def union(a: Window, b: Window) -> Window:
    """Return the smallest window that holds both; empty ones do not count."""
    if a[0] == a[2] or a[1] == a[3]:
        return b
    if b[0] == b[2] or b[1] == b[3]:
        return a
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """An object that wants pixels.

    Parameters
    ----------
    object_id : int
        Label value.
    mask : ndarray of bool, (h, w)
        Inside the window that is composed.
    logits : callable
        Gives the object's logits inside that window, float32, (h, w); asked for only if a pixel is contested.
    """

    object_id: int
    mask: np.ndarray
    logits: Callable[[], np.ndarray]


def compose(claims: Sequence[Claim], shape: tuple[int, int], overlap: Overlap) -> np.ndarray:
    """Decide who owns which pixel of a window.

    Parameters
    ----------
    claims : sequence of Claim
        Oldest object first.
    shape : tuple of int
        Of the window.
    overlap : {"higher_logit", "first", "newest"}
        Who gets a contested pixel: the object with the higher logit, the one that is first, or last, in ``claims``.

    Returns
    -------
    ndarray of uint32, shape
        Object ids, 0 where nobody claims.
    """
    labels = np.zeros(shape, dtype=np.uint32)
    claimed = np.zeros(shape, dtype=np.uint8)
    for claim in claims:
        claimed += claim.mask & (claimed < 2)
    contested = claimed > 1
    is_contested = overlap == "higher_logit" and bool(contested.any())
    for claim in claims if overlap != "first" else reversed(claims):
        labels[claim.mask & ~contested if is_contested else claim.mask] = claim.object_id
    if is_contested:
        _give_to_higher_logit(labels, claims, contested)
    return labels


def _give_to_higher_logit(
    labels: np.ndarray, claims: Sequence[Claim], contested: np.ndarray
) -> None:
    best = np.full(labels.shape, -np.inf, dtype=np.float32)
    for claim in claims:
        mine = claim.mask & contested
        if not mine.any():
            continue
        logits = claim.logits()
        wins = mine & (logits > best)
        best[wins] = logits[wins]
        labels[wins] = claim.object_id
