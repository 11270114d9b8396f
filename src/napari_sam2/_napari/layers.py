"""The three layers that we make for an image; docs/layers.md is for those who read them.

- ``<image> objects``: Labels, uint16 (a zarr array of uint32 if it would not fit in memory), the shape of the image; a pixel's
  value is its object_id.
- ``<image> prompts``: Points in the image's data coordinates, with the features ``object_id`` (int, 1 or more) and
  ``positive`` (bool).
- ``<image> prompts: shapes``: Shapes in the image's data coordinates: rectangles (boxes), polygons (lassos) and paths
  (scribbles), with the features ``object_id``, ``positive`` and ``frame`` (int; for the reader, we read the vertices).

All have the transform, units and axis labels of the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Points, Shapes

from napari_sam2._napari.connections import connect
from napari_sam2._napari.pixels import new_pixels

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari.layers import Image, Layer

    from napari_sam2._napari.connections import Undo

__all__ = [
    "color_of",
    "colors_of",
    "follow_transform",
    "full_resolution",
    "make_labels",
    "make_prompts",
    "make_shapes",
    "style",
    "style_next",
    "style_next_shape",
    "style_shapes",
]

_SYMBOL = {True: "disc", False: "x"}
_FILLED = (0.15, 0.0)  # opacity inside of a positive and of a negative shape

_TRANSFORM = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")


def full_resolution(image: Image) -> Any:
    """Return the array of an image layer; of a multiscale image, its finest level."""
    return image.data[0] if image.multiscale else image.data


def make_labels(image: Image, shape: tuple[int, ...], on_disk: bool = False) -> Labels:
    """Make the Labels layer of an image; its memory is taken when something is painted.

    Parameters
    ----------
    image : Image
        The layer to lie on.
    shape : tuple of int
        Of the image, colours left out.
    on_disk : bool
        Whether they would not fit in memory.
    """
    return Labels(
        new_pixels(shape, on_disk),
        name=f"{image.name} objects",
        opacity=0.5,
        **_transform(image),
    )


def make_prompts(image: Image) -> Points:
    """Make the Points layer that takes the clicks on an image."""
    rows, columns = full_resolution(image).shape[: image.ndim][-2:]
    return Points(
        np.empty((0, image.ndim)),
        name=f"{image.name} prompts",
        features={"object_id": np.empty(0, dtype=int), "positive": np.empty(0, dtype=bool)},
        feature_defaults={"object_id": 1, "positive": True},
        size=max(3, max(rows, columns) / 30),  # in pixels; where a point can be picked
        canvas_size_limits=(
            0,
            13,
        ),  # on the screen; with a minimum, napari shows a point where none is
        border_color="white",
        border_width=0.12,
        **_transform(image),
    )


def make_shapes(image: Image) -> Shapes:
    """Make the Shapes layer that takes boxes, lassos and scribbles on an image."""
    return Shapes(
        ndim=image.ndim,
        name=f"{image.name} prompts: shapes",
        features={
            "object_id": np.empty(0, dtype=int),
            "positive": np.empty(0, dtype=bool),
            "frame": np.empty(0, dtype=int),
        },
        feature_defaults={"object_id": 1, "positive": True, "frame": 0},
        edge_width=_edge_width(image),
        opacity=0.8,
        **_transform(image),
    )


def follow_transform(image: Image, layers: Iterable[Layer]) -> list[Undo]:
    """Let layers stay on the image when its transform is changed; returns the undo."""
    followers = tuple(layers)

    def follow(name: str) -> Undo:
        def copy() -> None:
            for layer in followers:
                setattr(layer, name, getattr(image, name))

        return connect(getattr(image.events, name), copy)

    return [follow(name) for name in _TRANSFORM if hasattr(image.events, name)]


def color_of(labels: Labels, object_id: int) -> tuple[float, ...]:
    """Return the colour of an object, RGBA, 0 to 1."""
    return colors_of(labels, [object_id])[0]


def colors_of(labels: Labels, object_ids: Sequence[int]) -> list[tuple[float, ...]]:
    """Return the colours of objects, RGBA, 0 to 1."""
    if not object_ids:
        return []
    colormap = labels.colormap
    if colormap.use_selection:  # only the selected label is shown; the others keep their colour
        copy = getattr(colormap, "model_copy", colormap.copy)  # napari 0.9, and before
        colormap = copy(update={"use_selection": False})
    colors = np.asarray(colormap.map(np.asarray(object_ids)), dtype=float)
    return [tuple(float(value) for value in color) for color in colors]


def style(prompts: Points, labels: Labels) -> None:
    """Show every point in the colour of its object: a disc if it is positive, a cross if not."""
    if not len(prompts.data):
        return
    ids = prompts.features["object_id"].to_numpy()
    positive = prompts.features["positive"].to_numpy()
    colors = np.array(colors_of(labels, [int(i) for i in ids]))
    symbols = [_SYMBOL[bool(each)] for each in positive]
    # to set what is there already would draw everything again
    if not np.allclose(prompts.face_color, colors):
        prompts.face_color = colors
    if [str(symbol) for symbol in prompts.symbol] != symbols:
        prompts.symbol = symbols


def style_next(prompts: Points, labels: Labels, object_id: int, positive: bool) -> None:
    """Set what the next point will say and look like; the points that are there stay as they are."""
    prompts.selected_data = set()
    row = {"object_id": object_id, "positive": positive}
    # this is called at every press: to set what is there already would cost it ten milliseconds
    if prompts.feature_defaults.to_dict("records") != [row]:
        prompts.feature_defaults = row
    prompts.current_face_color = np.array(color_of(labels, object_id))
    if str(prompts.current_symbol) != _SYMBOL[positive]:
        prompts.current_symbol = _SYMBOL[positive]


def style_shapes(shapes: Shapes, labels: Labels) -> None:
    """Show every shape in the colour of its object, filled a little if it is positive."""
    if not shapes.nshapes:
        return
    edges = np.array(colors_of(labels, [int(i) for i in shapes.features["object_id"]]))
    faces = edges.copy()
    faces[:, 3] = np.where(shapes.features["positive"].to_numpy(dtype=bool), *_FILLED)
    if not np.allclose(shapes.edge_color, edges):
        shapes.edge_color = edges
    if not np.allclose(shapes.face_color, faces):
        shapes.face_color = faces


def style_next_shape(
    shapes: Shapes, labels: Labels, object_id: int, positive: bool, frame: int
) -> None:
    """Set what the next shape will say and look like; the shapes that are there stay as they are."""
    shapes.selected_data = set()
    shapes.feature_defaults = {"object_id": object_id, "positive": positive, "frame": frame}
    color = np.array(color_of(labels, object_id))
    shapes.current_edge_color = color
    shapes.current_face_color = np.array([*color[:3], _FILLED[0] if positive else _FILLED[1]])


def _edge_width(image: Image) -> float:
    """Return the width of a line in data pixels: thin on the screen when the whole plane is seen."""
    return float(max(0.5, max(full_resolution(image).shape[: image.ndim][-2:]) / 300))


def _transform(image: Image) -> dict[str, Any]:
    """Read everything that says where an image lies."""
    return {name: getattr(image, name) for name in _TRANSFORM if hasattr(image, name)}
