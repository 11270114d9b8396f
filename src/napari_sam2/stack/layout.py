"""From what a caller asks for to one frozen answer: how the frames of an array are found in it."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_sam2.errors import AxisError
from napari_sam2.stack.axes import (
    COLOUR_SIZES,
    SEQUENCE_AXES,
    axis_letter,
    named_axes,
)

if TYPE_CHECKING:
    from typing import Any

    import numpy as np

__all__ = ["Layout", "resolve"]

MOST_CHANNELS = 3


@dataclass(frozen=True, slots=True)
class Layout:
    """How the frames of an array are found in it; every question is answered.

    Parameters
    ----------
    axes : str
        One capital letter per axis of the array.
    sizes : tuple of int
        Shape of the array.
    propagation_axis : str or None
        The axis that frames follow; None for a single plane.
    position : mapping of str to int
        Index on every axis that is neither in the plane, nor the propagation axis, nor the channels.
    channel_axis : str or None
        "S", "C" or None.
    channels : tuple of int
        One to three indices along the channel axis, in the order of red, green, blue; (0,) without such an axis.
    """

    axes: str
    sizes: tuple[int, ...]
    propagation_axis: str | None
    position: Mapping[str, int]
    channel_axis: str | None
    channels: tuple[int, ...]

    def size(self, axis: str) -> int:
        """Return the length of an axis."""
        return self.sizes[self.axes.index(axis)]


def resolve(
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    axes: str | Sequence[str] | None,
    propagation_axis: str | None,
    position: Mapping[str, int] | None,
    channels: int | Sequence[int] | None,
) -> Layout:
    """Answer all questions about an array's axes; see `Stack.from_array` for the rules.

    Raises
    ------
    AxisError
        If a name, a position or a channel does not exist.
    """
    wanted = None if propagation_axis is None else axis_letter(propagation_axis)
    guess_as = wanted if wanted is not None and wanted in SEQUENCE_AXES else "Z"
    letters = named_axes(axes, shape, dtype, guess_as)
    sizes = dict(zip(letters, shape, strict=True))
    along = chosen_propagation_axis(sizes, wanted)
    channel_axis = next((axis for axis in "SC" if axis in sizes and axis != along), None)
    return Layout(
        axes=letters,
        sizes=shape,
        propagation_axis=along,
        position=full_position(sizes, along, channel_axis, position or {}),
        channel_axis=channel_axis,
        channels=chosen_channels(sizes, channel_axis, channels),
    )


def chosen_propagation_axis(sizes: Mapping[str, int], wanted: str | None) -> str | None:
    """Return the axis that frames follow: the wanted one, else time, depth or the unknown one."""
    if wanted is None:
        present = [axis for axis in SEQUENCE_AXES if axis in sizes]
        return next((axis for axis in present if sizes[axis] > 1), present[0] if present else None)
    usable = [axis for axis in sizes if axis not in "YXS"]
    if wanted not in usable:
        remedy = f"choose one of {', '.join(usable)}" if usable else "leave it out"
        raise AxisError(
            f"propagation_axis {wanted!r} cannot be used in axes {''.join(sizes)!r}; frames follow "
            f"one axis other than Y, X and S: {remedy}."
        )
    return wanted


def full_position(
    sizes: Mapping[str, int],
    along: str | None,
    channel_axis: str | None,
    position: Mapping[str, int],
) -> dict[str, int]:
    """Complete a position: the middle of Z, the start of all other axes."""
    fixed = {
        axis: size // 2 if axis == "Z" else 0
        for axis, size in sizes.items()
        if axis not in ("Y", "X", along, channel_axis)
    }
    for name, value in position.items():
        axis = axis_letter(name)
        if axis not in fixed:
            raise AxisError(
                f"position {name!r}: {value!r} cannot be set in axes {''.join(sizes)!r} "
                f"({_reason(axis, sizes, along, channel_axis)}); {_choice(fixed)}."
            )
        fixed[axis] = _index(value, sizes[axis], axis, "position")
    return fixed


def chosen_channels(
    sizes: Mapping[str, int], channel_axis: str | None, channels: int | Sequence[int] | None
) -> tuple[int, ...]:
    """Return the channels to show: the wanted ones, else red, green and blue, else the first."""
    if channels is None:
        colours = channel_axis == "S" and sizes["S"] in COLOUR_SIZES
        return (0, 1, 2) if colours else (0,)
    if channel_axis is None:
        raise AxisError(
            f"channels {channels!r} cannot be chosen in axes {''.join(sizes)!r}, which lack a "
            "channel axis (C or S); leave channels out, or name the axes with axes=."
        )
    wanted = tuple(channels) if isinstance(channels, Sequence) else _as_tuple(channels)
    if not 1 <= len(wanted) <= MOST_CHANNELS:
        raise AxisError(
            f"channels {wanted} are {len(wanted)}; the model sees red, green and blue: give one to "
            f"{MOST_CHANNELS} indices."
        )
    return tuple(_index(value, sizes[channel_axis], channel_axis, "channels") for value in wanted)


def _as_tuple(channels: Any) -> tuple[Any, ...]:
    """Return one index, or an iterable that is no sequence (such as an array), as a tuple."""
    return tuple(channels) if getattr(channels, "ndim", 0) else (channels,)


def _index(value: Any, size: int, axis: str, name: str) -> int:
    """Return a checked index along an axis."""
    try:
        index = operator.index(value)
    except TypeError as error:
        raise AxisError(
            f"{name} {value!r} on axis {axis} is not a whole number; count from 0 to {size - 1}."
        ) from error
    if not 0 <= index < size:
        raise AxisError(
            f"{name} {index} is outside axis {axis}, which has {size} entries; count from 0 to "
            f"{size - 1}."
        )
    return index


def _reason(
    axis: str, sizes: Mapping[str, int], along: str | None, channel_axis: str | None
) -> str:
    """Say why an axis has no position."""
    if axis not in sizes:
        return "there is no such axis"
    if axis == along:
        return "frames follow that axis"
    if axis == channel_axis:
        return "channels are chosen with channels="
    return "it lies in the plane"


def _choice(fixed: Mapping[str, int]) -> str:
    """Say which axes take a position."""
    return f"set {', '.join(fixed)}" if fixed else "leave position out"
