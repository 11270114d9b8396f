"""Where a stack lies in a layer: layer data -> world -> image data -> frame and (y, x), and back.

The only file of the plugin that knows how axes and transforms are arranged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam2.errors import AxisError, PromptError
from napari_sam2.prompts import Point

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Layer

    from napari_sam2.results import Window

__all__ = ["Placement", "convert", "displayed_axes", "frame_in_view", "index_in"]

_DECIMALS = 3  # of a click, in pixels: finer than any hand, coarser than the rounding of transforms
_OTHER_AXES = "TIQ"  # letters for the axes that stay where they are


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the frames of a stack lie in the data of a layer.

    Parameters
    ----------
    shape : tuple of int
        Of the layer's data, colours left out; the last two axes are y and x.
    axis : int or None
        The propagation axis; None for a single plane.
    position : tuple of int
        Index on every axis; that on the propagation axis and in the plane does not matter.
    names : tuple of str
        What the axes are called in messages.

    Raises
    ------
    AxisError
        If there is no such axis, or more of them than a stack can have.
    """

    shape: tuple[int, ...]
    axis: int | None
    position: tuple[int, ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        n_leading = len(self.shape) - 2
        if not 0 <= n_leading <= 1 + len(_OTHER_AXES):
            raise AxisError(
                f"an image with {len(self.shape)} axes cannot be segmented; it needs 2 to "
                f"{3 + len(_OTHER_AXES)}, rows and columns last: split it with napari's layer menu."
            )
        if n_leading and (self.axis is None or not 0 <= self.axis < n_leading):
            raise AxisError(
                f"frames cannot follow axis {self.axis} of an image of shape {self.shape}; choose "
                f"one of the first {n_leading}."
            )

    @property
    def n_frames(self) -> int:
        """Length of the propagation axis; 1 for a single plane."""
        return 1 if self.axis is None else self.shape[self.axis]

    @property
    def plane_shape(self) -> tuple[int, int]:
        """(y, x)."""
        return self.shape[-2], self.shape[-1]

    @property
    def fixed(self) -> dict[int, int]:
        """Index on the axes that are neither in the plane nor followed by the frames."""
        leading = range(len(self.shape) - 2)
        return {axis: self.position[axis] for axis in leading if axis != self.axis}

    @property
    def letters(self) -> str:
        """One letter per axis, as `Stack.from_array` takes them; Z is the propagation axis."""
        others = iter(_OTHER_AXES)
        leading = range(len(self.shape) - 2)
        return "".join("Z" if axis == self.axis else next(others) for axis in leading) + "YX"

    @property
    def stack_position(self) -> dict[str, int]:
        """The fixed axes by letter, as `Stack.from_array` takes them."""
        return {self.letters[axis]: index for axis, index in self.fixed.items()}

    def point(self, coords: Sequence[float], positive: bool) -> Point:
        """Turn a place in the layer's data into a prompt.

        Parameters
        ----------
        coords : sequence of float
            One per axis, data pixels.
        positive : bool
            As in `Point`.

        Returns
        -------
        Point
            Rounded to a thousandth of a pixel, so that it comes back the same from any transform.

        Raises
        ------
        AxisError
            If the place is at another position on the axes that stay where they are.
        PromptError
            If it lies before the first frame or its coordinates are not finite.
        """
        if not np.isfinite(coords).all():
            raise PromptError(
                f"a point at {tuple(map(float, coords))} is nowhere; its coordinates must be finite."
            )
        for axis, index in self.fixed.items():
            if round(float(coords[axis])) != index:
                raise AxisError(
                    f"this click is at {self.names[axis]} = {round(float(coords[axis]))}, but SAM 2 "
                    f"was started at {self.names[axis]} = {index}; go back there, or press Finish "
                    "and start again here."
                )
        frame = 0 if self.axis is None else round(float(coords[self.axis]))
        y, x = (round(float(value), _DECIMALS) for value in coords[-2:])
        return Point(frame, (y, x), positive)

    def coords(self, point: Point) -> np.ndarray:
        """Return the place of a point in the layer's data, float, one value per axis."""
        return self.place(point.frame, point.yx)

    def place(self, frame: int, yx: Sequence[float]) -> np.ndarray:
        """Return a place of a frame in the layer's data, float, one value per axis."""
        coords = np.array(self.position, dtype=float)
        if self.axis is not None:
            coords[self.axis] = frame
        coords[-2:] = yx
        return coords

    def frame_at(self, coords: Sequence[float] | np.ndarray) -> int:
        """Return the frame that a place in the layer's data lies on; the nearest if it is outside."""
        if self.axis is None:
            return 0
        return int(np.clip(round(float(coords[self.axis])), 0, self.n_frames - 1))

    def frames_of(self, array: Any) -> Any:
        """Return the frames of an array of the layer's shape, as a view: (frame, y, x)."""
        if self.axis is None:
            return array[np.newaxis]
        index = tuple(self.fixed.get(axis, slice(None)) for axis in range(len(self.shape) - 2))
        return array[index]

    def index(self, frame: int, window: Window) -> tuple[int | slice, ...]:
        """Return the index of a part of a frame in the layer's data."""
        y0, x0, y1, x1 = window
        leading = dict(self.fixed)
        if self.axis is not None:
            leading[self.axis] = frame
        return (*(leading[axis] for axis in sorted(leading)), slice(y0, y1), slice(x0, x1))


def convert(coords: np.ndarray, source: Layer, target: Layer) -> np.ndarray:
    """Take places from the data of one layer to the data of another, through the world.

    Parameters
    ----------
    coords : ndarray of float, (n, source.ndim)
        Data pixels of `source`.
    source, target : Layer
        Layers of one viewer.

    Returns
    -------
    ndarray of float, (n, target.ndim)
        Data pixels of `target`; of a multiscale image, those of its full resolution.
    """
    there = [target.world_to_data(source.data_to_world(row)) for row in np.atleast_2d(coords)]
    return np.array(there, dtype=float).reshape(-1, target.ndim)


def index_in(layer: Layer, world_point: Sequence[float], shape: Sequence[int]) -> tuple[int, ...]:
    """Return the pixel of a layer that a place in the world falls on; the nearest if it is outside.

    Parameters
    ----------
    layer : Layer
        Any layer.
    world_point : sequence of float
        Such as ``viewer.dims.point``.
    shape : sequence of int
        Of the layer's data, colours left out.
    """
    coords = np.asarray(layer.world_to_data(np.asarray(world_point, dtype=float)), dtype=float)
    limits = np.asarray(shape) - 1
    return tuple(int(i) for i in np.clip(np.round(coords), 0, limits))


def frame_in_view(layer: Layer, placement: Placement, dims: Any) -> int:
    """Return the frame that the viewer shows now.

    Parameters
    ----------
    layer : Layer
        With the data that `placement` is about; its axes are the last ones of the world.
    placement : Placement
        Where the stack lies in it.
    dims : Dims
        Of the viewer.
    """
    coords = np.asarray(layer.world_to_data(np.asarray(dims.point, dtype=float)), dtype=float)
    return placement.frame_at(coords)


def displayed_axes(layer: Layer, dims: Any) -> set[int]:
    """Return the axes of a layer that the viewer shows now.

    Parameters
    ----------
    layer : Layer
        Any layer; its axes are the last ones of the world.
    dims : Dims
        Of the viewer.
    """
    offset = int(dims.ndim) - layer.ndim
    return {int(axis) - offset for axis in dims.displayed if axis >= offset}
