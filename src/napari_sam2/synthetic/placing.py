"""Where objects go, and whose pixel is whose."""

import numpy as np
from scipy import ndimage

from napari_sam2.synthetic.records import BoolArray, FloatArray, LabelArray
from napari_sam2.synthetic.shapes import Patch

__all__ = ["MIN_PIXELS", "claim", "draw_diameter", "place", "tidy"]

MIN_PIXELS = 12


def draw_diameter(
    rng: np.random.Generator, side: int, smallest: float, largest: float = 90.0
) -> float:
    """Choose the typical diameter of the objects of an image, each octave as often as the others.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    side : int
        Of the plane: at least two and a half objects fit along it.
    smallest, largest : float
        Range in pixels.

    Returns
    -------
    float
    """
    high = min(largest, side / 2.5)
    return float(np.exp(rng.uniform(np.log(min(smallest, high)), np.log(high))))


def place(
    rng: np.random.Generator,
    shape: tuple[int, int],
    radii: FloatArray,
    spacing: float = 1.0,
    clustering: float = 0.0,
) -> FloatArray:
    """Scatter discs so that centres keep `spacing` times the sum of their radii.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple of int
        (y, x) of the plane; centres may lie a little outside.
    radii : ndarray of float32, (n,)
        In the order of placing; a disc that finds no room is left out.
    spacing : float
        Under 1 objects overlap, at 1 they touch.
    clustering : float
        Share of discs, 0 to 1, that are put next to one placed before.

    Returns
    -------
    ndarray of float32, (n, 3)
        y, x and radius, n at most that of `radii`.
    """
    placed = np.empty((len(radii), 3), np.float32)
    count = 0
    tries = 10
    for radius in radii:
        edge = 0.7 * radius
        spots = rng.uniform(-edge, np.asarray(shape) + edge, (tries, 2))
        if count and rng.random() < clustering:
            near = placed[rng.integers(count, size=tries)]
            angle = rng.uniform(0, 2 * np.pi, tries)
            step = (near[:, 2] + radius) * (spacing * rng.uniform(1.001, 1.08, tries))
            spots = near[:, :2] + step[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
        gaps = spots[:, None] - placed[:count, :2]
        limit = spacing * (placed[:count, 2] + radius)
        free = ((gaps**2).sum(axis=2) > limit**2).all(axis=1)
        free &= ((spots > -edge) & (spots < np.asarray(shape) + edge)).all(axis=1)
        if free.any():
            placed[count] = (*spots[free.argmax()], radius)
            count += 1
    return placed[:count]


def claim(labels: LabelArray, patch: Patch, object_id: int, *, on_top: bool = False) -> BoolArray:
    """Give the inside of a patch to an object, in place.

    Parameters
    ----------
    labels : ndarray of int32, (y, x)
        Changed inside the patch's window.
    patch : Patch
        The object.
    object_id : int
        Its id.
    on_top : bool
        Take pixels of others too; otherwise only free ones, and of those the largest piece.

    Returns
    -------
    ndarray of bool, (h, w)
        The pixels that the object has got.
    """
    view = labels[patch.window]
    inside = patch.depth > 0
    if not on_top:
        free = inside & (view == 0)
        if np.count_nonzero(free) < np.count_nonzero(inside):
            free = largest_piece(free)
        inside = free
    view[inside] = object_id
    return inside


def largest_piece(mask: BoolArray) -> BoolArray:
    """Keep the largest connected piece of a mask."""
    pieces, count = ndimage.label(mask)
    if count < 2:
        return mask
    return np.asarray(pieces == np.bincount(pieces.ravel())[1:].argmax() + 1)


def tidy(labels: LabelArray) -> LabelArray:
    """Drop objects under `MIN_PIXELS` pixels and number the others from 1 without gaps."""
    sizes = np.bincount(labels.ravel())
    keep = sizes >= MIN_PIXELS
    keep[0] = False
    ids = np.cumsum(keep, dtype=np.int32)
    ids[~keep] = 0
    return ids[labels]
