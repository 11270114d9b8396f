"""Which part of a plane the model is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_sam2.engine.masks import CompactMask
from napari_sam2.prompts import Box, MaskPrompt, Point, Prompt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sam2.results import Window
    from napari_sam2.session.state import FrameRecord

__all__ = [
    "SMALLEST_FITTED",
    "centre_of_prompts",
    "centre_of_record",
    "extent_for",
    "fitting_extent",
]

_EXTENT_PER_OBJECT: Final = 1.5
SMALLEST_FITTED: Final = 32
"""Side of the smallest window that is fitted to an object, data pixels."""
_WORTH_IT: Final = 0.9


def extent_for(window_side: int | None, prompts: Sequence[Prompt]) -> int | None:
    """Choose the side of an object's window when it is first prompted.

    Parameters
    ----------
    window_side : int or None
        What the user asked for; None shows whole planes.
    prompts : sequence of Prompt
        A box or a mask makes the window larger, if need be: half as large again as the object.

    Returns
    -------
    int or None
        Data pixels.
    """
    if window_side is None:
        return None
    low, high = _bounds(prompts)
    return max(window_side, int(np.ceil(_EXTENT_PER_OBJECT * float((high - low).max()))))


def fitting_extent(extent: int | None, area: int, diameters: float) -> int | None:
    """Choose a smaller window that fits what was found.

    Parameters
    ----------
    extent : int or None
        Side of the window in which it was found; None: on the whole plane, which is left as it is.
    area : int
        Of the mask, in pixels.
    diameters : float
        Of a disc of that area, that the window is to measure; 0 leaves it as it is.

    Returns
    -------
    int or None
        Data pixels; None where it is not worth another decoding.
    """
    if extent is None or not area or not diameters:
        return None
    side = max(SMALLEST_FITTED, int(np.ceil(diameters * 2 * np.sqrt(area / np.pi))))
    return side if side < _WORTH_IT * extent else None


def centre_of_prompts(prompts: Sequence[Prompt]) -> tuple[float, float]:
    """Return the middle (y, x) of all places that prompts name."""
    low, high = _bounds(prompts)
    y, x = (low + high) / 2
    return float(y), float(x)


def centre_of_record(record: FrameRecord) -> tuple[float, float]:
    """Return the middle (y, x) of a mask, or, if it is empty, of what the model was shown."""
    return _centre(record.mask.window if record.mask.area else record.view.window)


def _centre(window: Window) -> tuple[float, float]:
    y0, x0, y1, x1 = window
    return (y0 + y1 - 1) / 2, (x0 + x1 - 1) / 2


def _bounds(prompts: Sequence[Prompt]) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest (y, x) of prompts."""
    places: list[tuple[float, float]] = []
    for prompt in prompts:
        if isinstance(prompt, Point):
            places.append(prompt.yx)
        elif isinstance(prompt, Box):
            places += [prompt.yx_min, prompt.yx_max]
        elif isinstance(prompt, MaskPrompt):
            packed = CompactMask.pack(prompt.mask > 0.5)
            y0, x0, y1, x1 = packed.window if packed.area else (0, 0, *prompt.mask.shape)
            places += [(y0, x0), (y1 - 1, x1 - 1)]
        else:
            places += prompt.path_yx
    array = np.asarray(places, dtype=float)
    return array.min(axis=0), array.max(axis=0)
