"""Where to click: in the middle of known objects, or, where nothing is known, of bright blobs."""

# mypy: allow-untyped-calls
# (only some of scikit-image has types)

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_sam2.evaluation.measures import iou
from napari_sam2.evaluation.user import first_click
from napari_sam2.prompts import Point

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Click", "bright_blobs", "middle_of_objects", "window_for"]

DIAMETERS = 4  # of a window
SMALLEST_RADIUS = 2.0  # pixels
LARGEST_SHARE = 0.25  # of the shorter side of a plane, as a radius


@dataclass(frozen=True, slots=True)
class Click:
    """A click on an object.

    Parameters
    ----------
    object_id : int
        The object's.
    point : Point
        Where.
    diameter : float
        Of the object on that frame, pixels.
    """

    object_id: int
    point: Point
    diameter: float


def middle_of_objects(labels: np.ndarray, most: int) -> list[Click]:
    """Click each object on the middle one of its slices, at the point farthest from its border.

    Parameters
    ----------
    labels : ndarray of int, (frame, y, x)
        0 is background.
    most : int
        Only so many objects, those with the most pixels.

    Returns
    -------
    list of Click
        Ascending by object.
    """
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest = np.argsort(-sizes, kind="stable")[:most]
    clicks = []
    for object_id in sorted(int(i) for i in largest if sizes[i]):
        frames = np.flatnonzero((labels == object_id).any(axis=(1, 2)))
        frame = int(frames[len(frames) // 2])
        mask = labels[frame] == object_id
        diameter = 2 * float(np.sqrt(mask.sum() / np.pi))
        clicks.append(Click(object_id, first_click(mask, frame), diameter))
    return clicks


def bright_blobs(brightness: np.ndarray, frame: int, most: int) -> list[Click]:
    """Click the middles of what is brighter than its surroundings: the rule for an image without any prompts.

    The plane is smoothed (Gaussian, 2 pixels) and divided by Otsu's threshold. Where the distance to the dark part is
    largest (at least 2 pixels, at most a quarter of the plane) are the middles, the largest ones first. Nothing
    in it is random.

    Parameters
    ----------
    brightness : ndarray of float, (y, x)
        One plane.
    frame : int
        Its frame.
    most : int
        Only so many objects.

    Returns
    -------
    list of Click
        Numbered from 1, the largest first; empty if nothing stands out.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.feature import peak_local_max
    from skimage.filters import threshold_otsu

    smooth = gaussian_filter(brightness.astype(np.float32), 2)
    if not smooth.max() > smooth.min():
        return []
    depth = gaussian_filter(_depth(smooth > threshold_otsu(smooth)), 1)
    typical = (
        float(np.median(depth[depth > SMALLEST_RADIUS])) if depth.max() > SMALLEST_RADIUS else 0
    )
    peaks = peak_local_max(
        depth,
        min_distance=max(3, round(typical)),
        threshold_abs=SMALLEST_RADIUS,
        exclude_border=False,
    )
    radii = depth[tuple(peaks.T)]
    usable = [
        (float(r), int(y), int(x))
        for r, (y, x) in zip(radii, peaks, strict=True)
        if r <= LARGEST_SHARE * min(brightness.shape)
    ]
    usable.sort(key=lambda peak: (-peak[0], peak[1], peak[2]))
    return [
        Click(number, Point(frame, (float(y), float(x))), 2 * radius)
        for number, (radius, y, x) in enumerate(usable[:most], start=1)
    ]


def window_for(clicks: Sequence[Click]) -> int:
    """Choose the side of the window: four median diameters."""
    return max(16, round(DIAMETERS * float(np.median([click.diameter for click in clicks]))))


def iou_3d(labels: np.ndarray, truth: np.ndarray, object_ids: Sequence[int]) -> Mapping[int, float]:
    """Compare objects with the truth, over all frames: intersection over union of their voxels."""
    return {i: iou(labels == i, truth == i) for i in object_ids}


def _depth(mask: np.ndarray) -> np.ndarray:
    """Return the distance of each pixel to the outside of a mask, the edge of the plane included."""
    from scipy.ndimage import distance_transform_edt

    padded = np.pad(mask, 1)
    depth: np.ndarray = distance_transform_edt(padded)[1:-1, 1:-1]
    return depth
