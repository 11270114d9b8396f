"""Sample data: procedural microscopy, drawn when it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from napari_sam2.synthetic import draw_stack, draw_timelapse

if TYPE_CHECKING:
    import numpy as np

    from napari_sam2.synthetic import Movie

__all__ = ["dividing_cells", "nuclei_movie", "nuclei_stack"]

LayerData: TypeAlias = "tuple[np.ndarray, dict[str, Any], str]"

_SEED = 3
_PIXEL_UM = 0.3
_SLICE_UM = 0.66  # slices are drawn 2.2 pixels apart


def nuclei_movie() -> Movie:
    """Draw what `nuclei_stack` shows, with its truth."""
    return draw_stack(_SEED, shape=(24, 192, 192))


def nuclei_stack() -> list[LayerData]:
    """Draw a z-stack of nuclei, uint16, (z, y, x).

    Returns
    -------
    list of LayerData
        One Image layer, scaled in micrometres.
    """
    options = {
        "name": "nuclei",
        "scale": (_SLICE_UM, _PIXEL_UM, _PIXEL_UM),
        "units": ("micrometer", "micrometer", "micrometer"),
        "axis_labels": ("z", "y", "x"),
        "colormap": "gray",
    }
    return [(nuclei_movie().image, options, "image")]


def dividing_cells() -> list[LayerData]:
    """Draw a time-lapse of nuclei that wander and divide, uint16, (t, y, x).

    Returns
    -------
    list of LayerData
        One Image layer, scaled in micrometres; time in steps.
    """
    movie = draw_timelapse(_SEED, shape=(20, 192, 192))
    options = {
        "name": "dividing cells",
        "scale": (1.0, _PIXEL_UM, _PIXEL_UM),
        "units": ("pixel", "micrometer", "micrometer"),
        "axis_labels": ("t", "y", "x"),
        "colormap": "gray",
    }
    return [(movie.image, options, "image")]
