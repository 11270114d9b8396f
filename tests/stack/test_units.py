"""Units of length and time."""

from __future__ import annotations

from typing import Any

import pytest

from napari_sam2.stack.units import in_micrometres, in_seconds


@pytest.mark.parametrize(
    ("value", "unit", "micrometres"),
    [
        (2, "um", 2.0),
        (2, "\u00b5m", 2.0),
        (2, "\u03bcm", 2.0),
        (2, "\\u00B5m", 2.0),
        (2, " Microns ", 2.0),
        (2, "micrometre", 2.0),
        (250, "nm", 0.25),
        (250, "nanometers", 0.25),
        (5, "Å", 5e-4),
        ("0.5", "mm", 500.0),
        (-2, "um", 2.0),
        (0, "um", None),
        (1, "pixel", None),
        (1, "", None),
        (None, "um", None),
        ("wide", "um", None),
        (float("nan"), "um", None),
        (float("inf"), "um", None),
        (1, "s", None),
    ],
)
def test_lengths(value: Any, unit: str, micrometres: float | None) -> None:
    assert in_micrometres(value, unit) == (
        None if micrometres is None else pytest.approx(micrometres)
    )


@pytest.mark.parametrize(
    ("value", "unit", "seconds"),
    [
        (3, "s", 3.0),
        (3, "sec", 3.0),
        (3, "seconds", 3.0),
        (500, "ms", 0.5),
        (2, "min", 120.0),
        (2, "Minutes", 120.0),
        (1, "h", 3600.0),
        (1, "day", 86400.0),
        (1, "um", None),
        (0, "s", None),
    ],
)
def test_times(value: Any, unit: str, seconds: float | None) -> None:
    assert in_seconds(value, unit) == (None if seconds is None else pytest.approx(seconds))
