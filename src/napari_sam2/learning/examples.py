"""Windows around annotated objects, as a session shows them: fitted, jittered, turned, in slightly different light."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from scipy import ndimage

from napari_sam2.session.views import SMALLEST_FITTED
from napari_sam2.training.augment import normalise
from napari_sam2.training.clicks import pick_inside
from napari_sam2.training.crops import MIN_AREA, Placement, cut
from napari_sam2.training.samples import Batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_sam2.learning.annotations import AnnotatedPlane

__all__ = ["Crop", "Example", "Showing", "as_batch", "draw_crop", "examples_of"]

_WHOLE_PLANE: Final = 1024  # as much of it as a model sees without shrinking it
_NEIGHBOURS: Final = 2
_MARGIN: Final = 4  # pixels around a window, so that smoothing does not see its edge


@dataclass(frozen=True, slots=True)
class Showing:
    """What a session will show the model; see `Session`.

    Parameters
    ----------
    window_side : int or None
        First window, data pixels.
    window_diameters : float
        The window that is fitted, in diameters of the object.
    """

    window_side: int | None = 128
    window_diameters: float = 3.0

    @property
    def fits_windows(self) -> bool:
        """Whether a window is fitted to its object; whole planes stay as they are."""
        return self.window_side is not None and self.window_diameters > 0

    def usual_extent(self, diameter: float) -> float:
        """Return the side of the window in which an object of this diameter ends up, data pixels."""
        if self.window_side is None or not self.fits_windows:
            return self.window_side or _WHOLE_PLANE
        return max(min(self.window_diameters * diameter, self.window_side), SMALLEST_FITTED)


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One annotated object on one plane.

    Parameters
    ----------
    plane : AnnotatedPlane
        Where.
    object_id : int
        Which.
    box : tuple of int
        ``(y0, x0, y1, x1)`` of its pixels, half open.
    area : int
        Pixels.
    """

    plane: AnnotatedPlane
    object_id: int
    box: tuple[int, int, int, int]
    area: int

    @property
    def diameter(self) -> float:
        """Of a disc of its area, in data pixels."""
        return 2 * math.sqrt(self.area / math.pi)

    @property
    def group(self) -> tuple[str, int]:
        """What is the same for one object on several frames."""
        return self.plane.source, self.object_id

    def mask(self) -> np.ndarray:
        """Return its pixels, bool, (y, x) of the whole plane."""
        return np.asarray(self.plane.labels == self.object_id)


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A window that was drawn.

    Parameters
    ----------
    image : Tensor, (3, side, side)
        Float32, normalised.
    truth : ndarray of bool, (n, side, side)
        Objects that are asked for.
    background : ndarray of bool, (side, side)
        Where no object is known.
    """

    image: Tensor
    truth: np.ndarray
    background: np.ndarray


def examples_of(planes: Sequence[AnnotatedPlane]) -> list[Example]:
    """List the objects of planes."""
    found = []
    for plane in planes:
        slices = ndimage.find_objects(plane.labels)
        areas = np.bincount(plane.labels.ravel())
        for i in plane.object_ids:
            rows, columns = slices[i - 1]
            box = (rows.start, columns.start, rows.stop, columns.stop)
            found.append(Example(plane, i, box, int(areas[i])))
    return found


def draw_crop(
    example: Example,
    side: int,
    showing: Showing,
    learned: frozenset[tuple[str, int]],
    rng: np.random.Generator,
) -> Crop:
    """Draw one window around an object.

    Half of the windows are fitted as closely as a session does, the others measure two to five diameters, or are the first
    window before it is fitted.

    Parameters
    ----------
    example : Example
        The object in its middle.
    side : int
        Of the crop, a multiple of 32.
    showing : Showing
        What the session shows.
    learned : frozenset of (str, int)
        Groups that may be asked for too, where they are neighbours.
    rng : numpy.random.Generator
        Source of chance.
    """
    placement = _place(example, side, _extent(example, showing, rng), rng)
    pixels, labels = _cut_near(example.plane, placement)
    ids = [example.object_id]
    areas = np.bincount(labels.ravel())
    near = np.flatnonzero(areas >= MIN_AREA)
    known = [
        i
        for i in near.tolist()
        if i and i != example.object_id and (example.plane.source, i) in learned
    ]
    ids += rng.permutation(known)[:_NEIGHBOURS].astype(int).tolist()
    truth = labels[None] == np.array(ids)[:, None, None]
    background = labels == 0
    return Crop(normalise(_other_light(pixels, rng)), truth, background)


def as_batch(crops: Sequence[Crop]) -> Batch:
    """Put crops of one side together."""
    counts = torch.tensor([len(crop.truth) for crop in crops])
    return Batch(
        torch.stack([crop.image for crop in crops])[None],
        torch.arange(len(crops)).repeat_interleave(counts),
        np.concatenate([crop.truth for crop in crops])[None],
        np.concatenate([np.repeat(c.background[None], len(c.truth), 0) for c in crops]),
    )


def _extent(example: Example, showing: Showing, rng: np.random.Generator) -> float:
    """Draw the side of a window in data pixels."""
    largest = float(min(example.plane.labels.shape))
    first = float(showing.window_side or largest)
    if not showing.fits_windows:
        return min(first, largest)
    draw = rng.random()
    if draw < 0.15:
        extent = first
    elif draw < 0.6:
        extent = showing.window_diameters * example.diameter * math.exp(rng.normal(0, 0.1))
    else:
        extent = example.diameter * rng.uniform(2, 5)
    return min(max(extent, SMALLEST_FITTED), first, largest)


def _place(example: Example, side: int, extent: float, rng: np.random.Generator) -> Placement:
    """Centre a window on a place inside the object, and keep it inside the plane."""
    y0, x0, y1, x1 = example.box
    inside = example.plane.labels[y0:y1, x0:x1] == example.object_id
    x, y = pick_inside(inside, float(rng.choice([0.3, 0.7, 1.0])), rng)
    angle = float(rng.integers(4)) * math.pi / 2
    turned = angle + rng.uniform(-math.pi / 4, math.pi / 4)
    far = _reach(extent, turned) - 0.5
    fits = all(
        far <= c <= n - 1 - far
        for c, n in zip((y0 + y, x0 + x), example.plane.labels.shape, strict=True)
    )
    if (
        fits and rng.random() < 0.5
    ):  # a turned window that was moved into the plane might miss its object
        angle = turned
    reach = _reach(extent, angle)
    centre = [
        float(np.clip(c, reach - 0.5, n - reach - 0.5)) if 2 * reach <= n else (n - 1) / 2
        for c, n in zip((y0 + y, x0 + x), example.plane.labels.shape, strict=True)
    ]
    return Placement(side, side / extent, (centre[0], centre[1]), angle, bool(rng.random() < 0.5))


def _reach(extent: float, angle: float) -> float:
    """Half the side of the upright box around a turned window."""
    return extent / 2 * (abs(math.cos(angle)) + abs(math.sin(angle)))


def _cut_near(plane: AnnotatedPlane, placement: Placement) -> tuple[Tensor, np.ndarray]:
    """Cut a crop out of what lies around it: pixels (3, side, side), labels (side, side)."""
    reach = _reach(placement.side / placement.zoom, placement.angle) + _MARGIN
    starts = [max(0, math.floor(c - reach)) for c in placement.centre_yx]
    ends = [math.ceil(c + reach) + 1 for c in placement.centre_yx]
    near = np.s_[starts[0] : ends[0], starts[1] : ends[1]]
    centre = placement.centre_yx[0] - starts[0], placement.centre_yx[1] - starts[1]
    moved = Placement(placement.side, placement.zoom, centre, placement.angle, placement.mirrored)
    image = np.moveaxis(plane.pixels[near], -1, 0)
    pixels, labels = cut(np.ascontiguousarray(image), plane.labels[near][None], moved)
    return pixels, labels[0].numpy()


def _other_light(pixels: Tensor, rng: np.random.Generator) -> Tensor:
    """Change brightness, contrast and noise a little: another plane of the same image."""
    gamma, gain = math.exp(rng.normal(0, 0.15)), math.exp(rng.normal(0, 0.1))
    changed = (pixels.clamp(0, 1) ** gamma) * gain + rng.normal(0, 0.03)
    noise = rng.uniform(0, 0.03) * rng.standard_normal(tuple(pixels.shape), np.float32)
    return (changed + torch.from_numpy(noise)).clamp(0, 1).float()
