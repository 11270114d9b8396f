"""Colours for confidence: vermilion is unsure, amber is middling, blue is sure; told apart by the colour-blind."""

from __future__ import annotations

from typing import Final

import numpy as np

__all__ = ["STOPS", "colors_of"]

STOPS: Final = (
    (0.0, (205, 52, 10)),
    (0.5, (245, 166, 35)),
    (0.75, (146, 176, 190)),
    (1.0, (45, 112, 190)),
)
"""Confidence, and its colour (red, green, blue, 0 to 255); between two stops it is mixed."""

_STEPS: Final = 256


def _table() -> np.ndarray:
    """Mix the stops; one RGBA colour per step as a uint32, and a transparent one at the end."""
    places = np.array([place for place, _ in STOPS])
    rgb = np.array([color for _, color in STOPS], dtype=float)
    wanted = np.linspace(0, 1, _STEPS)
    table = np.full((_STEPS + 1, 4), 255, dtype=np.uint8)
    for channel in range(3):
        table[:_STEPS, channel] = np.interp(wanted, places, rgb[:, channel]).round()
    table[_STEPS] = 0
    return table.view(np.uint32)[:, 0]


_TABLE: Final = _table()


def colors_of(confidence: np.ndarray) -> np.ndarray:
    """Colour confidences.

    Parameters
    ----------
    confidence : ndarray of float, any shape
        0 to 1 (values beyond are taken as 0 or 1); NaN where there is no mask.

    Returns
    -------
    ndarray of uint8, the same shape and a last axis of 4
        RGBA; transparent for NaN.
    """
    values = np.asarray(confidence, dtype=np.float32)
    steps = np.clip(values, 0, 1) * np.float32(_STEPS - 1) + np.float32(0.5)
    steps = np.where(np.isnan(values), _STEPS, np.nan_to_num(steps)).astype(np.intp)
    colors: np.ndarray = _TABLE[steps][..., np.newaxis].view(np.uint8)  # (...,) -> (..., 4)
    return colors
