"""Names of axes: what they may be called, and what an array without names is taken for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_sam2.errors import AxisError, StackError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = [
    "COLOUR_SIZES",
    "SEQUENCE_AXES",
    "axis_letter",
    "named_axes",
    "plane_dtype",
    "whole_sizes",
]

SEQUENCE_AXES = "TZIQ"
"""Axes that frames may follow, in the order of preference; I and Q are what TIFF calls an axis without a name."""

COLOUR_SIZES = (3, 4)
"""Lengths of an axis of colours: RGB and RGBA."""

LETTERS = "TZCYXSIQ"
WORDS = {"TIME": "T", "DEPTH": "Z", "CHANNEL": "C", "SAMPLE": "S"}
MEANING = "T time, Z depth, C channel, Y row, X column, S colour, I or Q unknown"
MOST_CHANNELS_IN_A_LAST_AXIS = 4


def named_axes(
    axes: str | Sequence[str] | None,
    sizes: tuple[int, ...],
    dtype: np.dtype[Any],
    sequence_axis: str = "Z",
) -> str:
    """Name every axis of an array.

    Parameters
    ----------
    axes : str, sequence of str or None
        One letter (or word: time, depth, channel, sample) per axis, in any case; None to guess:

        - 2-D is YX;
        - 3-D is ZYX, or YXS if it is uint8, its last axis has 3 or 4 entries and the other two have more than that;
        - 4-D is ZYXS if its last axis has 1 to 4 entries;
        - all else is ambiguous, and an error.
    sizes : tuple of int
        Shape of the array.
    dtype : dtype
        Of the array; only uint8 is guessed to be colour.
    sequence_axis : str
        What a guess calls the first of three axes.

    Returns
    -------
    str
        Capital letters, one per axis.

    Raises
    ------
    AxisError
        If the names do not fit the array, or cannot be guessed.
    """
    letters = (
        guessed_axes(sizes, dtype, sequence_axis)
        if axes is None
        else "".join(axis_letter(name) for name in axes)
    )
    if len(letters) != len(sizes):
        raise AxisError(
            f"axes {letters!r} name {len(letters)} axes, but the array has {len(sizes)} "
            f"(shape {sizes}); give one letter for each: {MEANING}."
        )
    for letter in letters:
        if letters.count(letter) > 1:
            raise AxisError(
                f"axis {letter} appears {letters.count(letter)} times in axes {letters!r} (shape "
                f"{sizes}); every axis needs a letter of its own, name them with axes=, {MEANING}."
            )
    for letter in "YX":
        if letter not in letters:
            raise AxisError(
                f"axes {letters!r} (shape {sizes}) lack {letter}; a plane needs Y (rows) and X "
                f"(columns), name the axes with axes=, {MEANING}."
            )
    return letters


def axis_letter(name: str) -> str:
    """Return the capital letter of an axis.

    Raises
    ------
    AxisError
        If there is no such axis.
    """
    upper = str(name).upper()
    letter = WORDS.get(upper, upper)
    if len(letter) != 1 or letter not in LETTERS:
        raise AxisError(f"axis {name!r} is unknown; name the axes with these letters: {MEANING}.")
    return letter


def guessed_axes(sizes: tuple[int, ...], dtype: np.dtype[Any], sequence_axis: str) -> str:
    """Guess the axes of an array without names; see `named_axes` for the rule."""
    match sizes:
        case (_, _):
            return "YX"
        case (rows, columns, last):
            colours = last in COLOUR_SIZES and min(rows, columns) > last and dtype == np.uint8
            return "YXS" if colours else f"{sequence_axis}YX"
        case (_, _, _, last) if 1 <= last <= MOST_CHANNELS_IN_A_LAST_AXIS:
            return f"{sequence_axis}YXS"
        case _:
            raise AxisError(
                f"the axes of an array of shape {sizes} are ambiguous; name them with axes=, for "
                f"example axes='TZYX' ({MEANING})."
            )


def whole_sizes(shape: Any) -> tuple[int, ...]:
    """Return a shape as whole numbers.

    Raises
    ------
    StackError
        If a size is unknown (as in some dask arrays) or zero.
    """
    try:
        sizes = tuple(int(size) for size in shape)
    except (TypeError, ValueError) as error:
        raise StackError(
            f"shape {shape!r} has unknown sizes, but every size must be known; for a dask array "
            "call compute_chunk_sizes() first."
        ) from error
    if len(sizes) < 2 or 0 in sizes:
        raise StackError(
            f"an array of shape {sizes} holds no plane; it needs at least two axes, Y and X, and "
            "no axis of length zero."
        )
    return sizes


def plane_dtype(dtype: Any) -> np.dtype[Any]:
    """Return the native-endian dtype that planes of an array will have.

    Raises
    ------
    StackError
        If the array does not hold real numbers.
    """
    try:
        native: np.dtype[Any] = np.dtype(dtype).newbyteorder("=")
    except TypeError as error:
        raise StackError(
            f"dtype {dtype!r} is not one of numpy's; convert the array to numpy first."
        ) from error
    if native.kind not in "biuf":
        remedy = (
            "take its real part or its magnitude (numpy.abs)"
            if native.kind == "c"
            else "convert it with astype"
        )
        raise StackError(
            f"dtype {native} is not of real numbers; an image must be bool, integer or float: "
            f"{remedy}."
        )
    return native
