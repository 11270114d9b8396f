"""A stroke becomes a few points along it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["points_along"]


def points_along(
    path_yx: Sequence[tuple[float, float]], spacing: float = 12.0, most: int = 8
) -> list[tuple[float, float]]:
    """Place points evenly along a stroke.

    Parameters
    ----------
    path_yx : sequence of (float, float)
        Vertices.
    spacing : float
        Data pixels between points, about.
    most : int
        Points at most: the network was trained with few.

    Returns
    -------
    list of (float, float)
        One point in the middle of a short stroke, else the ends are not used: strokes overshoot.
    """
    vertices = np.asarray(path_yx, dtype=float)
    lengths = np.hypot(*np.diff(vertices, axis=0).T) if len(vertices) > 1 else np.zeros(0)
    travelled = np.concatenate(([0.0], np.cumsum(lengths)))
    count = int(np.clip(round(travelled[-1] / spacing), 1, most))
    at = (np.arange(count) + 0.5) / count * travelled[-1]
    y, x = (np.interp(at, travelled, vertices[:, axis]) for axis in (0, 1))
    return [(float(a), float(b)) for a, b in zip(y, x, strict=True)]
