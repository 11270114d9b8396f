"""Labels on their way to a file: the order of axes, the number type, one plane after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_sam2.errors import AxisError, StackError
from napari_sam2.stack.axes import named_axes, whole_sizes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from napari_sam2.stack.planes import ArrayLike

__all__ = ["LabelPlanes", "label_planes"]

LARGEST_16_BIT = 2**16 - 1
LARGEST_32_BIT = 2**32 - 1


@dataclass(frozen=True, slots=True, eq=False)
class LabelPlanes:
    """Labels in the order of axes that a file format asks for, read one plane at a time.

    Parameters
    ----------
    array : array-like
        The labels.
    source_axes : str
        Its axes.
    axes : str
        Axes of the file; the last two are YX.
    shape : tuple of int
        Lengths in that order.
    dtype : dtype
        uint16 if all labels fit, else uint32.
    scale : mapping of str to (float or None)
        Micrometres or seconds, by axis of the file.
    """

    array: ArrayLike
    source_axes: str
    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: Mapping[str, float | None]

    def __iter__(self) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
        """Yield index and plane (y, x), in the order of the file."""
        for index in np.ndindex(*self.shape[:-2]):
            yield index, _plane(self.array, self.source_axes, self.axes, index).astype(self.dtype)


def label_planes(
    labels: ArrayLike,
    axes: str | Sequence[str],
    scale: Mapping[str, float | None] | None,
    order: str,
) -> LabelPlanes:
    """Prepare labels for a file.

    Parameters
    ----------
    labels : array-like of int or bool
        Any axes, one of them named I or Q at most; that one is written as Z, or as T where there is a Z.
    axes : str or sequence of str
        One name per axis.
    scale : mapping of str to (float or None), optional
        Micrometres or seconds, by axis of the labels.
    order : str
        Order of axes in the file.

    Returns
    -------
    LabelPlanes

    Raises
    ------
    AxisError
        If the axes do not fit, or cannot be written.
    StackError
        If these are not labels.
    """
    if not (hasattr(labels, "shape") and hasattr(labels, "dtype")):
        raise StackError(
            f"{type(labels).__name__} is no array of labels; convert it with numpy.asarray."
        )
    sizes, dtype = whole_sizes(labels.shape), np.dtype(labels.dtype)
    if dtype.kind not in "biu":
        raise StackError(
            f"labels of dtype {dtype} are not whole numbers; convert them with astype(numpy.uint32)."
        )
    given = named_axes(axes, sizes, dtype)
    source = _writable(given)
    written = "".join(sorted(source, key=order.index))
    lengths = dict(zip(source, sizes, strict=True))
    steps = {key.upper(): step for key, step in (scale or {}).items()}
    return LabelPlanes(
        array=labels,
        source_axes=source,
        axes=written,
        shape=tuple(lengths[axis] for axis in written),
        dtype=_smallest(labels, dtype, source, written, lengths),
        scale={new: steps.get(old) for old, new in zip(given, source, strict=True)},
    )


def _writable(axes: str) -> str:
    """Replace an axis without a name, which no format for labels has, by a free one."""
    for unknown in "IQ":
        free = next((axis for axis in "ZT" if axis not in axes), None)
        if unknown in axes and free:
            axes = axes.replace(unknown, free)
    for axis in axes:
        if axis in "SIQ":
            raise AxisError(
                f"labels with axes {axes!r} cannot be saved because of axis {axis}; files of labels "
                "have the axes T, Z, C, Y and X: rename it, or save one part at a time."
            )
    return axes


def _smallest(
    array: ArrayLike, dtype: np.dtype[Any], source: str, written: str, lengths: Mapping[str, int]
) -> np.dtype[Any]:
    """Return the smallest of uint16 and uint32 that holds all labels."""
    if dtype.kind in "bu" and dtype.itemsize <= 2:
        return np.dtype(np.uint16)
    largest = 0
    for index in np.ndindex(*(lengths[axis] for axis in written[:-2])):
        plane = _plane(array, source, written, index)
        if plane.min() < 0 or plane.max() > LARGEST_32_BIT:
            raise StackError(
                f"labels reach from {plane.min()} to {plane.max()} in plane {index}; they must lie "
                f"between 0 (background) and {LARGEST_32_BIT}: relabel them."
            )
        largest = max(largest, int(plane.max()))
    return np.dtype(np.uint16 if largest <= LARGEST_16_BIT else np.uint32)


def _plane(array: ArrayLike, source: str, written: str, index: tuple[int, ...]) -> np.ndarray:
    """Read one plane (y, x)."""
    fixed = dict(zip(written, index, strict=False))
    plane = np.asarray(array[tuple(fixed.get(axis, slice(None)) for axis in source)])
    return plane if source.index("Y") < source.index("X") else plane.T
