"""Lengths in micrometres and times in seconds, from the units that image files use."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

__all__ = ["SPACE_UNIT", "TIME_UNIT", "in_micrometres", "in_seconds"]

SPACE_UNIT = "micrometer"
TIME_UNIT = "second"

MICROMETRES = {
    "pm": 1e-6,
    "picometer": 1e-6,
    "å": 1e-4,
    "angstrom": 1e-4,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "um": 1.0,
    "micrometer": 1.0,
    "micron": 1.0,
    "mm": 1e3,
    "millimeter": 1e3,
    "cm": 1e4,
    "centimeter": 1e4,
    "m": 1e6,
    "meter": 1e6,
}
SECONDS = {
    "ns": 1e-9,
    "nanosecond": 1e-9,
    "us": 1e-6,
    "microsecond": 1e-6,
    "ms": 1e-3,
    "msec": 1e-3,
    "millisecond": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "min": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
}


def in_micrometres(value: Any, unit: str) -> float | None:
    """Convert a length; None if it is no positive number or the unit is not known."""
    return _converted(value, unit, MICROMETRES)


def in_seconds(value: Any, unit: str) -> float | None:
    """Convert a time; None if it is no positive number or the unit is not known."""
    return _converted(value, unit, SECONDS)


def _converted(value: Any, unit: str, factors: dict[str, float]) -> float | None:
    factor = factors.get(_plain(unit), 0.0)
    try:
        number = abs(float(value)) * factor  # ImageJ writes a negative spacing for some stacks
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _plain(unit: str) -> str:
    """Return the spelling of a unit that the tables use."""
    text = unit.strip().lower()
    for micro in ("\\u00b5", "\u00b5", "\u03bc", "&#181;"):  # escaped, micro sign, Greek mu
        text = text.replace(micro, "u")
    text = text.replace("metre", "meter")
    tables = MICROMETRES.keys() | SECONDS.keys()
    return text if text in tables else text.removesuffix("s")
