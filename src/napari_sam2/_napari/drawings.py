"""Rows of the shapes layer as drawings: a box, a lasso or a scribble that speaks of an object."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam2._napari.clicks import as_object_id
from napari_sam2._napari.coordinates import convert
from napari_sam2.errors import PromptError, Sam2Error

if TYPE_CHECKING:
    from napari.layers import Image, Shapes

    from napari_sam2._napari.coordinates import Placement

__all__ = ["Drawing", "Kind", "outline", "read_drawings"]

_SMALLEST_BOX = 1.0  # data pixels; a click without a drag is less


class Kind(Enum):
    """What was drawn, by napari's word for the shape."""

    BOX = "rectangle"
    LASSO = "polygon"
    SCRIBBLE = "path"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A shape and the object that it speaks of.

    Parameters
    ----------
    object_id : int
        The object.
    kind : Kind
        What was drawn.
    frame : int
        Index along the propagation axis.
    path_yx : tuple of (float, float)
        Vertices, data pixels; of a box, its two corners.
    positive : bool
        False takes the places away from the object.
    """

    object_id: int
    kind: Kind
    frame: int
    path_yx: tuple[tuple[float, float], ...]
    positive: bool = True


def read_drawings(shapes: Shapes, image: Image, placement: Placement) -> list[Drawing | Sam2Error]:
    """Read all rows of the shapes layer.

    Parameters
    ----------
    shapes : Shapes
        With the features ``object_id`` and ``positive``.
    image : Image
        The layer whose data the session works on.
    placement : Placement
        Where the stack lies in it.

    Returns
    -------
    list of Drawing or Sam2Error
        One per row; an error says why the row is no prompt.
    """
    rows: list[Drawing | Sam2Error] = []
    features = shapes.features
    for row, (vertices, kind) in enumerate(zip(shapes.data, shapes.shape_type, strict=True)):
        try:
            object_id = as_object_id(features["object_id"].iloc[row])
            positive = bool(features["positive"].iloc[row])
            places = convert(vertices, shapes, image)
            rows.append(_drawing(object_id, str(kind), places, positive, placement))
        except Sam2Error as error:
            rows.append(error)
    return rows


def outline(drawing: Drawing, placement: Placement) -> np.ndarray:
    """Return the vertices of a drawing in the layer's data, float, (n, axes)."""
    path = drawing.path_yx
    if drawing.kind is Kind.BOX:
        (y0, x0), (y1, x1) = path
        path = ((y0, x0), (y0, x1), (y1, x1), (y1, x0))
    return np.array([placement.place(drawing.frame, yx) for yx in path])


def _drawing(
    object_id: int, shape_type: str, places: np.ndarray, positive: bool, placement: Placement
) -> Drawing:
    kind = _kind(shape_type)
    points = [placement.point(place, positive) for place in places]
    frames = sorted({point.frame for point in points})
    if len(frames) > 1:
        raise PromptError(
            f"this {kind.name.lower()} goes through the frames {frames[0]} to {frames[-1]}; draw it on "
            "one plane: show rows and columns, not the frames, side by side."
        )
    path = tuple(point.yx for point in points)
    if kind is Kind.BOX:
        path = _corners(path)
    return Drawing(object_id, kind, frames[0], path, positive)


def _kind(shape_type: str) -> Kind:
    if shape_type == "line":  # a stroke of two vertices
        return Kind.SCRIBBLE
    try:
        return Kind(shape_type)
    except ValueError:
        raise PromptError(
            f"a shape of type {shape_type} is no prompt; draw a rectangle (box), a polygon (lasso) or "
            "a path (scribble)."
        ) from None


def _corners(path: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the upper left and the lower right corner."""
    low, high = np.min(path, axis=0), np.max(path, axis=0)
    if (high - low).min() < _SMALLEST_BOX:
        raise PromptError(
            f"a box of {high[0] - low[0]:.1f} x {high[1] - low[1]:.1f} pixels is too small to hold an "
            "object; press at one corner and drag to the other."
        )
    return (float(low[0]), float(low[1])), (float(high[0]), float(high[1]))
