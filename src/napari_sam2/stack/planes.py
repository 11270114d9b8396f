"""The stack: an image as a sequence of planes, each read when it is asked for."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from napari_sam2.errors import StackError
from napari_sam2.stack.axes import plane_dtype, whole_sizes
from napari_sam2.stack.layout import Layout, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

__all__ = ["ArrayLike", "Stack"]


class ArrayLike(Protocol):
    """What a stack needs of an array: numpy, dask, zarr and h5py arrays have it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of every axis."""

    @property
    def dtype(self) -> Any:
        """A dtype of real numbers."""

    def __getitem__(self, index: Any, /) -> Any:
        """Return a part; only integers and slices without steps are asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """An image as a sequence of planes, each read from its array when it is asked for.

    Made by `Stack.from_array` or `open_stack`. It never holds more of the image than its array does.

    Parameters
    ----------
    array : array-like
        Where planes are read from.
    layout : Layout
        How they are found in it.
    scale : mapping of str to (float or None)
        Size of one step along every axis but the channels, micrometres or seconds; None where unknown.
    source : str
        Where the array comes from, for messages.
    """

    array: ArrayLike = field(repr=False)
    layout: Layout
    scale: Mapping[str, float | None]
    source: str = "the array"

    @classmethod
    def from_array(
        cls,
        array: ArrayLike,
        axes: str | Sequence[str] | None = None,
        *,
        propagation_axis: str | None = None,
        position: Mapping[str, int] | None = None,
        channels: int | Sequence[int] | None = None,
        scale: Mapping[str, float | None] | None = None,
        source: str = "the array",
    ) -> Stack:
        """Look at any array as a stack; nothing is read yet.

        Parameters
        ----------
        array : array-like
            numpy, dask, zarr, a memory-mapped file, or anything with ``shape``, ``dtype`` and basic indexing; bool,
            integer or float of any size and byte order.
        axes : str or sequence of str, optional
            One name per axis, in any case and order: T time, Z depth, C channel, Y row, X column, S colour, I or Q
            unknown; ``"TZYX"`` or ``("time", "y", "x")``. Without names, 2-D is YX; 3-D is ZYX, or YXS if it is uint8
            and its last axis has 3 or 4 entries and the others more; 4-D is ZYXS if its last axis has 1 to 4
            entries; all else must be named.
        propagation_axis : str, optional
            The axis that frames follow. By default the first of T, Z, I and Q that has more than one entry. An array
            without names has the axis that is named here in place of Z.
        position : mapping of str to int, optional
            Index on the other axes. By default the middle of Z (its ends are often empty) and the start of all others.
        channels : int or sequence of int, optional
            One to three indices along S, or along C where there is no S, in the order of red, green, blue. By default
            red, green and blue of an S axis with 3 or 4 entries (transparency is dropped), else the first channel.
        scale : mapping of str to (float or None), optional
            Size of one step along an axis, micrometres or seconds.
        source : str, optional
            Where the array comes from, for messages.

        Returns
        -------
        Stack

        Raises
        ------
        AxisError
            If a name, a position or a channel does not fit the array.
        StackError
            If it is not an array of real numbers with at least one plane.
        """
        if not (hasattr(array, "shape") and hasattr(array, "dtype")):
            raise StackError(
                f"{type(array).__name__} is not an array (it lacks shape and dtype); convert it "
                "with numpy.asarray, or choose one array of a group."
            )
        sizes, dtype = whole_sizes(array.shape), plane_dtype(array.dtype)
        layout = resolve(sizes, dtype, axes, propagation_axis, position, channels)
        steps = {key.upper(): step for key, step in (scale or {}).items()}
        known = {axis: steps.get(axis) for axis in layout.axes if axis not in "CS"}
        return cls(array, layout, known, source)

    @property
    def axes(self) -> str:
        """One capital letter per axis of the array."""
        return self.layout.axes

    @property
    def propagation_axis(self) -> str | None:
        """The axis that frames follow; None for a single plane."""
        return self.layout.propagation_axis

    @property
    def position(self) -> Mapping[str, int]:
        """Index on every axis that is not shown."""
        return self.layout.position

    @property
    def channel_axis(self) -> str | None:
        """Axis of the channels: "S" (colours), "C" or None."""
        return self.layout.channel_axis

    @property
    def channels(self) -> tuple[int, ...]:
        """Indices along the channel axis, in the order of red, green, blue."""
        return self.layout.channels

    @property
    def n_channels(self) -> int:
        """One to three."""
        return len(self.layout.channels)

    @property
    def n_frames(self) -> int:
        """Length of the propagation axis; 1 for a single plane."""
        axis = self.layout.propagation_axis
        return 1 if axis is None else self.layout.size(axis)

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.layout.size("Y"), self.layout.size("X")

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of a plane; native byte order."""
        return plane_dtype(self.array.dtype)

    @property
    def label_axes(self) -> str:
        """Axes of labels (frame, y, x) of this stack, as `save_labels` takes them."""
        return f"{self.layout.propagation_axis or 'Z'}YX"

    def plane(self, frame: int) -> np.ndarray:
        """Read one frame.

        Parameters
        ----------
        frame : int
            Index along the propagation axis, from 0.

        Returns
        -------
        ndarray, shape (y, x) or (y, x, channel)
            The values as they are, with a channel axis if more than one channel is shown; native byte order; an array
            of its own, which may be changed.

        Raises
        ------
        StackError
            If there is no such frame, or it cannot be read.
        """
        frame = self._checked(frame)
        fixed = dict(self.layout.position)
        if self.layout.propagation_axis is not None:
            fixed[self.layout.propagation_axis] = frame
        try:
            plane = _read_channels(self.array, self.layout, fixed)
        except Exception as error:
            raise StackError(
                f"frame {frame} of {self.source} cannot be read ({type(error).__name__}: {error}); "
                "the data is damaged, incomplete or gone: check it in another program, or copy it "
                "again."
            ) from error
        return np.array(plane, dtype=self.dtype, order="C")

    def _checked(self, frame: int) -> int:
        """Return a frame that exists."""
        try:
            index = operator.index(frame)
        except TypeError as error:
            raise StackError(
                f"frame {frame!r} is not a whole number; frames count from 0 along the propagation "
                "axis."
            ) from error
        if not 0 <= index < self.n_frames:
            raise StackError(
                f"frame {index} is outside the stack (0 to {self.n_frames - 1}); frames count "
                "along the propagation axis."
            )
        return index


def _read_channels(array: ArrayLike, layout: Layout, fixed: Mapping[str, int]) -> np.ndarray:
    """Read the channels of one plane, with as few reads and as little besides them as can be."""
    axis, channels = layout.channel_axis, layout.channels
    if axis is None:
        return _read(array, layout.axes, fixed, "YX")
    if len(channels) == 1:
        return _read(array, layout.axes, {**fixed, axis: channels[0]}, "YX")
    first, last = min(channels), max(channels)
    adjacent = last - first + 1 == len(set(channels))
    interleaved = layout.axes.index(axis) > max(layout.axes.index("Y"), layout.axes.index("X"))
    if adjacent or interleaved:
        block = _read(array, layout.axes, {**fixed, axis: slice(first, last + 1)}, f"YX{axis}")
        return block[..., [channel - first for channel in channels]]
    planes = [_read(array, layout.axes, {**fixed, axis: channel}, "YX") for channel in channels]
    return np.stack(planes, axis=-1)


def _read(array: ArrayLike, axes: str, fixed: Mapping[str, int | slice], kept: str) -> np.ndarray:
    """Read the part of an array at fixed indices, its axes in the order ``kept``."""
    block = np.asarray(array[tuple(fixed.get(axis, slice(None)) for axis in axes)])
    left = [axis for axis in axes if not isinstance(fixed.get(axis), int)]
    if block.ndim != len(left):
        raise StackError(f"it came with shape {block.shape} in place of axes {''.join(left)}")
    return block.transpose([left.index(axis) for axis in kept])
