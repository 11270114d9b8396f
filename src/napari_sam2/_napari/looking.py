"""Where the viewer looks, and where the mouse is, in the words of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam2._napari.coordinates import displayed_axes

if TYPE_CHECKING:
    from napari import Viewer

    from napari_sam2._napari.binding import Binding
    from napari_sam2.prompts import Point

__all__ = ["camera_of", "label_under_mouse", "look_at", "place_under_mouse"]


def camera_of(viewer: Viewer) -> Any:
    """Return the camera; napari 0.9 has it in its scene."""
    return getattr(viewer, "scene", viewer).camera


def place_under_mouse(viewer: Viewer, binding: Binding) -> Point:
    """Return the place in the stack that the mouse was over last."""
    position = np.asarray(viewer.cursor.position, dtype=float)[-binding.image.ndim :]
    return binding.placement.point(binding.image.world_to_data(position), positive=True)


def look_at(viewer: Viewer, binding: Binding, object_id: int, frame: int | None) -> int:
    """Show an object on a frame; the camera moves only if the object is out of sight.

    Parameters
    ----------
    viewer : Viewer
        What is moved.
    binding : Binding
        Our layers.
    object_id : int
        The object.
    frame : int, optional
        None for the frame that has most of it.

    Returns
    -------
    int
        The frame that is shown.
    """
    placement, labels = binding.placement, binding.labels
    frames = placement.frames_of(labels.data)
    if frame is None:
        frame = _largest(frames, object_id, binding.frame)
    rows, columns = np.nonzero(frames[frame] == object_id)
    middle = (rows.mean(), columns.mean()) if len(rows) else None
    here = placement.place(frame, middle or binding.placement.plane_shape)
    if middle is None:
        here[-2:] = labels.world_to_data(viewer.dims.point)[-2:]
    world = np.asarray(labels.data_to_world(here), dtype=float)
    offset = viewer.dims.ndim - labels.ndim
    for axis in viewer.dims.not_displayed:
        if axis >= offset:
            viewer.dims.set_point(axis, world[axis - offset])
    if middle is not None and not _is_in_sight(viewer, labels, here):
        shown = [world[axis - offset] for axis in viewer.dims.displayed]
        camera_of(viewer).center = (0.0, *shown) if len(shown) == 2 else tuple(shown)
    return frame


def _largest(frames: Any, object_id: int, default: int) -> int:
    """Return the frame with most pixels of an object."""
    areas = [int((frames[frame] == object_id).sum()) for frame in range(len(frames))]
    return int(np.argmax(areas)) if any(areas) else default


def _is_in_sight(viewer: Viewer, layer: Any, place: np.ndarray) -> bool:
    """Return whether a place in a layer's data lies in the part of it that is on the screen."""
    low, high = layer.corner_pixels
    axes = sorted(displayed_axes(layer, viewer.dims))
    return all(low[axis] <= place[axis] <= high[axis] for axis in axes)


def label_under_mouse(binding: Binding, position: Any) -> int:
    """Return the object at a place in the world; 0 for none."""
    labels = binding.labels
    world = np.asarray(position, dtype=float)[-labels.ndim :]
    coords = np.round(np.asarray(labels.world_to_data(world), dtype=float)).astype(int)
    if ((coords < 0) | (coords >= labels.data.shape)).any():
        return 0
    return int(labels.data[tuple(coords)])
