"""Cut a turned, flipped, scaled square out of a plane or clip, so that one drawn image serves many times."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

__all__ = ["MIN_AREA", "Placement", "cut", "place", "visible_objects"]

MIN_AREA = 24
"""Objects with fewer visible pixels in a crop are not asked for."""

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a crop lies in its image.

    Parameters
    ----------
    side : int
        Of the crop, in its own pixels.
    zoom : float
        Pixels of the crop per pixel of the image.
    centre_yx : tuple of float
        Middle of the crop, in pixels of the image.
    angle : float
        Turn, in radians.
    mirrored : bool
        Whether x is flipped.
    """

    side: int
    zoom: float
    centre_yx: tuple[float, float]
    angle: float
    mirrored: bool


def place(labels: Labels, side: int, rng: np.random.Generator) -> Placement:
    """Draw a crop around a random object, so that objects are 8 to 90 pixels wide, mostly 24 to 48 (for a side of 128).

    That is the width of the object itself or of the median one, as in a window that fits one of them; in crops of more
    than 160 pixels, which stand for whole planes, widths vary more. The crop never leaves the image: a free turn becomes
    a quarter turn, and the zoom grows, where it would.

    Parameters
    ----------
    labels : ndarray of int32
        (y, x), with at least one object.
    side : int
        Of the crop.
    rng : numpy.random.Generator
        Source of chance.
    """
    anchor_yx, diameter = _draw_anchor(labels, rng)
    spread = 0.35 if side <= 160 else 0.5
    wanted = math.exp(rng.normal(math.log(34), spread)) * math.sqrt(side / 128)
    smallest = side / (min(labels.shape) - 1)
    zoom = max(float(np.clip(np.clip(wanted, 8, 90) / diameter, 0.35, 3.5)), smallest)
    quarter = float(rng.integers(4)) * math.pi / 2
    angle = quarter + (rng.uniform(-math.pi / 4, math.pi / 4) if rng.random() < 0.5 else 0.0)
    if _reach(side, zoom, angle) * 2 > min(labels.shape) - 1:
        angle = quarter
    reach = _reach(side, zoom, angle)
    # the object anywhere in the inner 80 % of the crop
    offset = rng.uniform(-0.4, 0.4, 2) * side / zoom
    centre = [
        float(np.clip(a + o, reach - 0.5, n - reach - 0.5))
        for a, o, n in zip(anchor_yx, offset, labels.shape, strict=True)
    ]
    return Placement(side, zoom, (centre[0], centre[1]), angle, bool(rng.random() < 0.5))


def cut(
    image: npt.NDArray[np.float32], labels: Labels, placement: Placement
) -> tuple[Tensor, Tensor]:
    """Resample the crop.

    Parameters
    ----------
    image : ndarray of float32
        (channel, y, x); frames of a clip may be channels.
    labels : ndarray of int32
        (channel, y, x).
    placement : Placement
        Where.

    Returns
    -------
    image : Tensor
        (channel, side, side) float32, linear, smoothed before it is made smaller.
    labels : Tensor
        (channel, side, side) int32, nearest.
    """
    if placement.zoom < 0.8:
        sigma = 0.4 * (1 / placement.zoom - 0.5)
        image = ndimage.gaussian_filter(image, (0, sigma, sigma))
    grid = _grid(placement, labels.shape[-2:])
    pixels = F.grid_sample(
        torch.from_numpy(np.ascontiguousarray(image))[None],
        grid,
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )[0]
    ids = F.grid_sample(
        torch.from_numpy(labels.astype(np.float32))[None],
        grid,
        mode="nearest",
        padding_mode="border",
        align_corners=False,
    )[0]
    return pixels, ids.to(torch.int32)


def visible_objects(labels: Tensor) -> npt.NDArray[np.int64]:
    """Return the ids with at least `MIN_AREA` pixels in a crop (side, side)."""
    area = np.bincount(labels.numpy().ravel())
    area[0] = 0
    return np.flatnonzero(area >= MIN_AREA)


def _draw_anchor(labels: Labels, rng: np.random.Generator) -> tuple[tuple[float, float], float]:
    """Return a pixel (y, x) of a random object, and the diameter of a disc of its area, or of the median area."""
    area = np.bincount(labels.ravel())
    area[0] = 0
    ids = np.flatnonzero(area >= MIN_AREA)
    if ids.size == 0:
        ids = np.flatnonzero(area)
    if ids.size == 0:
        raise ValueError("an image without objects cannot be cropped around one; draw another.")
    chosen = int(rng.choice(ids))
    pixels = np.flatnonzero(labels.ravel() == chosen)
    y, x = divmod(int(pixels[rng.integers(pixels.size)]), labels.shape[1])
    fitted = float(area[chosen] if rng.random() < 0.5 else np.median(area[ids]))
    return (float(y), float(x)), 2 * math.sqrt(fitted / math.pi)


def _reach(side: int, zoom: float, angle: float) -> float:
    """Half the side of the upright box around a turned crop, in pixels of the image."""
    return side / zoom / 2 * (abs(math.cos(angle)) + abs(math.sin(angle)))


def _grid(placement: Placement, shape: tuple[int, ...]) -> Tensor:
    """Compute sampling positions (1, side, side, 2) for grid_sample: (x, y) in -1..1 over the image."""
    side = placement.side
    step = (torch.arange(side, dtype=torch.float32) + 0.5 - side / 2) / placement.zoom
    v, u = torch.meshgrid(step, step, indexing="ij")
    if placement.mirrored:
        u = -u
    cosine, sine = math.cos(placement.angle), math.sin(placement.angle)
    y = placement.centre_yx[0] + cosine * v + sine * u
    x = placement.centre_yx[1] - sine * v + cosine * u
    height, width = shape
    return torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1)[None]
