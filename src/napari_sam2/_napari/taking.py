"""Other layers as objects: labels become objects, points become seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Points

from napari_sam2._napari.coordinates import convert
from napari_sam2._napari.layers import full_resolution
from napari_sam2._napari.wishes import AddSeeds, ImportLabels, Wish
from napari_sam2.errors import AxisError, PromptError

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_sam2._napari.binding import Binding

__all__ = ["can_be_taken", "request_for"]

_TOLERANCE = 0.5  # data pixels


def can_be_taken(layer: Layer, binding: Binding | None) -> bool:
    """Return whether a layer could become objects."""
    ours = () if binding is None else binding.layers
    return isinstance(layer, (Labels, Points)) and layer not in ours


def request_for(layer: Layer, binding: Binding) -> Wish:
    """Return the request that makes objects of a layer.

    Raises
    ------
    AxisError
        If labels do not lie on the image pixel by pixel, or a point is at another position of the axes that stay.
    PromptError
        If there are no points, or the layer is of another kind.
    """
    if isinstance(layer, Labels):
        return _labels(layer, binding)
    if isinstance(layer, Points):
        return _seeds(layer, binding)
    raise PromptError(f"{layer.name} is neither labels nor points; only those can become objects.")


def _labels(layer: Labels, binding: Binding) -> ImportLabels:
    placement = binding.placement
    data: Any = full_resolution(layer)
    shape = tuple(int(n) for n in data.shape)
    _check_place(layer, shape, binding)
    if shape == placement.plane_shape:
        return ImportLabels(data, layer.name, frame=binding.frame)
    if shape == placement.shape:
        return ImportLabels(placement.frames_of(data), layer.name)
    return ImportLabels(data, layer.name)


def _check_place(layer: Labels, shape: tuple[int, ...], binding: Binding) -> None:
    """Raise unless pixel i of the labels lies on pixel i of the image."""
    placement = binding.placement
    fitting = {placement.shape, (placement.n_frames, *placement.plane_shape), placement.plane_shape}
    if shape not in fitting:
        raise AxisError(
            f"{layer.name} has the shape {shape}, and {binding.image.name} {placement.shape}; labels "
            "must fit the image pixel by pixel."
        )
    corners = np.array([np.zeros(len(shape)), np.array(shape) - 1.0])
    there = convert(corners, layer, binding.image)[:, -2:]
    if not np.allclose(there, corners[:, -2:], atol=_TOLERANCE):
        raise AxisError(
            f"{layer.name} does not lie on {binding.image.name}: its corners are at "
            f"{np.round(there, 1).tolist()} in the image's pixels; give both the same scale and "
            "translation."
        )


def _seeds(layer: Points, binding: Binding) -> AddSeeds:
    if not len(layer.data):
        raise PromptError(f"{layer.name} has no points; put one on every object first.")
    places = convert(layer.data, layer, binding.image)
    return AddSeeds(tuple(binding.placement.point(place, positive=True) for place in places))
