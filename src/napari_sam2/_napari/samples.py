"""Sample data: procedural microscopy, drawn when it is opened; and one real stack, fetched once after a question."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from qtpy.QtWidgets import QApplication

from napari_sam2._napari.notices import agrees
from napari_sam2.errors import DownloadError
from napari_sam2.synthetic import draw_stack, draw_timelapse
from napari_sam2.synthetic.fields import blur

if TYPE_CHECKING:
    from napari_sam2.synthetic import Movie

__all__ = [
    "cells3d",
    "dividing_cells",
    "em_stack",
    "nuclei_movie",
    "nuclei_stack",
    "nuclei_with_truth",
    "two_channels",
]

LayerData: TypeAlias = "tuple[np.ndarray, dict[str, Any], str]"

_SEED = 3
_PIXEL_UM = 0.3
_SLICE_UM = 0.66  # slices are drawn 2.2 pixels apart
_MICROMETER = "micrometer"

_CELLS3D_FILE = "cells3d.tif"
_CELLS3D_QUESTION = (
    "cells3d is not on this machine yet.\n\n"
    "Download it (at most 16 MB) from gitlab.com/scikit-image? It was given by the Allen Institute for "
    "Cell Science, and is kept for later."
)


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
    return [(nuclei_movie().image, _options("nuclei", "zyx"), "image")]


def nuclei_with_truth() -> list[LayerData]:
    """Draw the same z-stack with its true labels, to compare a result with.

    Returns
    -------
    list of LayerData
        A Labels layer, hidden, and above it the Image layer.
    """
    movie = nuclei_movie()
    truth = _options("nuclei truth", "zyx") | {"visible": False, "opacity": 0.5}
    del truth["colormap"]
    return [
        (movie.labels.astype(np.uint16), truth, "labels"),
        (movie.image, _options("nuclei", "zyx"), "image"),
    ]


def dividing_cells() -> list[LayerData]:
    """Draw a time-lapse of nuclei that wander and divide, uint16, (t, y, x).

    Returns
    -------
    list of LayerData
        One Image layer, scaled in micrometres; time in steps.
    """
    movie = draw_timelapse(_SEED, shape=(20, 192, 192))
    return [(movie.image, _options("dividing cells", "tyx"), "image")]


def em_stack() -> list[LayerData]:
    """Draw a z-stack that looks like electron microscopy: membranes, organelles, no colour; uint16, (z, y, x).

    Returns
    -------
    list of LayerData
        One Image layer, scaled in micrometres (10 nm pixels).
    """
    movie = draw_stack(_SEED, shape=(20, 256, 256), kind="em")
    options = _options("EM", "zyx") | {"scale": (0.022, 0.01, 0.01)}
    return [(movie.image, options, "image")]


def two_channels() -> list[LayerData]:
    """Draw a 4-D stack with two channels, uint16, (t, z, y, x) each.

    Returns
    -------
    list of LayerData
        Two Image layers of one shape: nuclei, and their surroundings.
    """
    n_steps, side = 6, 128
    slices = draw_stack(_SEED, shape=(10, side + 2 * n_steps, side + 2 * n_steps)).image
    # (z, y, x) -> (t, z, y, x): the whole drifts by two pixels a step, as on a stage that is not at rest
    nuclei = np.stack(
        [slices[:, 2 * t : 2 * t + side, t : t + side] for t in range(n_steps)]
    ).astype(np.float32)
    surroundings = _surroundings(nuclei)
    return [
        (
            image.round().astype(np.uint16),
            _options(name, "tzyx") | {"colormap": color, "blending": "additive"},
            "image",
        )
        for name, image, color in (
            ("surroundings", surroundings, "magenta"),
            ("nuclei", nuclei, "green"),
        )
    ]


def _surroundings(nuclei: np.ndarray) -> np.ndarray:
    """Draw what lies around nuclei: a broad glow without the nuclei themselves, (t, z, y, x)."""
    shape = nuclei.shape
    planes = nuclei.reshape(-1, *shape[2:])  # (t, z, y, x) -> (t z, y, x)
    glow = np.stack([blur(plane, 7.0) for plane in planes]).reshape(shape)
    noise = np.random.default_rng(_SEED).normal(0, 12, shape)
    return np.clip(100 + 1.5 * (glow - 0.55 * nuclei - 40) + noise, 0, 65535)


def cells3d() -> list[LayerData]:
    """Open scikit-image's ``cells3d``: real nuclei and membranes, uint16, (z, y, x) each.

    It is fetched once, after a question; without a window there is nobody to ask, and the call is the consent.

    Returns
    -------
    list of LayerData
        Two Image layers.

    Raises
    ------
    DownloadError
        If it is not here and can't, or shall not, be fetched.
    """
    from skimage import data

    if not _is_here(Path(data.data_dir)) and not _agrees(_CELLS3D_QUESTION):
        raise DownloadError(
            "cells3d is not on this machine and was not fetched, as you wished; the synthetic samples "
            "need no download."
        )
    try:
        image = data.cells3d()  # type: ignore[no-untyped-call]  # (z, channel, y, x)
    except (OSError, ModuleNotFoundError) as error:
        raise DownloadError(
            f"cells3d is not on this machine and could not be fetched ({error}); try again with a "
            "connection. The synthetic samples need none."
        ) from error
    options = {"scale": (0.29, 0.26, 0.26), "blending": "additive"}
    return [
        (image[:, 0], _options("membranes", "zyx") | options | {"colormap": "magenta"}, "image"),
        (image[:, 1], _options("nuclei", "zyx") | options | {"colormap": "green"}, "image"),
    ]


def _is_here(folder: Path) -> bool:
    return (folder / _CELLS3D_FILE).is_file()


def _agrees(question: str) -> bool:
    if QApplication.instance() is None:
        return True
    return agrees(QApplication.activeWindow(), question)


def _options(name: str, axes: str) -> dict[str, Any]:
    """Say how a sample is shown; axes are letters of t, z, y, x."""
    steps = {
        "t": (1.0, "pixel"),
        "z": (_SLICE_UM, _MICROMETER),
        "y": (_PIXEL_UM, _MICROMETER),
        "x": (_PIXEL_UM, _MICROMETER),
    }
    return {
        "name": name,
        "scale": tuple(steps[axis][0] for axis in axes),
        "units": tuple(steps[axis][1] for axis in axes),
        "axis_labels": tuple(axes),
        "colormap": "gray",
    }
