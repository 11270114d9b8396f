"""Dense tilings of the plane: Voronoi cells on warped coordinates, some of them merged.

The sites may lie above or below the plane, so that a moving plane cuts a true 3-D tiling.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from napari_sam2.synthetic.fields import fractal
from napari_sam2.synthetic.records import FloatArray, LabelArray

__all__ = ["Sites", "Tiling", "coordinates", "cut", "scatter_sites"]

_BLOCK = 32  # pixels a side; sites are searched block by block


@dataclass(frozen=True, slots=True)
class Sites:
    """The points around which cells form.

    Parameters
    ----------
    zyx : ndarray of float32, (n, 3)
        Places, in pixels; z is the distance from the plane z = 0.
    bonus : ndarray of float32, (n,)
        Squared pixels taken off the squared distance: larger cells.
    owner : ndarray of int32, (n,)
        Id of the cell, 1 or more; sites with the same owner are one cell.
    """

    zyx: FloatArray
    bonus: FloatArray
    owner: LabelArray


@dataclass(frozen=True, slots=True)
class Tiling:
    """A plane cut into cells.

    Parameters
    ----------
    labels : ndarray of int32, (y, x)
        Owner of each pixel.
    wall : ndarray of float32, (y, x)
        Distance to the nearest border between two cells, in pixels.
    """

    labels: LabelArray
    wall: FloatArray


def scatter_sites(
    rng: np.random.Generator,
    side: int,
    spacing: float,
    *,
    depth: float = 0.0,
    jitter: float = 0.35,
    size_spread: float = 0.2,
    merging: float = 0.0,
    large: float = 0.0,
    reach: float = 2.5,
    length: float = 1.0,
) -> Sites:
    """Draw sites on a shaken grid.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    side : int
        Side of the plane in pixels; sites also lie outside.
    spacing : float
        Pixels between sites.
    depth : float
        Half the thickness of the slab that sites fill around z = 0; with 0, one layer.
    jitter : float
        Standard deviation of the shaking, in spacings.
    size_spread : float
        Spread of the bonus, in squared spacings.
    merging : float
        Share of the sites, 0 to 1, that join the cell of their nearest neighbour.
    large : float
        Share of the sites, 0 to 1, that swallow those around them.
    reach : float
        Spacings, 1 or more, over which they do at most.
    length : float
        How many times as far they reach along a direction of their own at most: trunks rather than balls.

    Returns
    -------
    Sites
    """
    line = np.arange(-1.5 * spacing, side + 1.5 * spacing, spacing)
    layers = np.arange(-depth - spacing, depth + 1.5 * spacing, spacing) if depth else np.zeros(1)
    grid = np.stack(np.meshgrid(layers, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    grid = grid + rng.normal(0, jitter * spacing, grid.shape)
    if not depth:
        grid[:, 0] *= 0.5
    bonus = rng.normal(0, size_spread, len(grid)) * spacing**2
    owner = np.arange(1, len(grid) + 1)
    for site in np.flatnonzero(rng.random(len(grid)) < large):
        step = grid - grid[site]
        apart = (step**2).sum(axis=1)
        if length > 1:
            axis = rng.normal(size=3) * (1.0 if depth else (0.0, 1.0, 1.0))
            along = step @ (axis / np.linalg.norm(axis))
            apart -= (1 - 1 / rng.uniform(1, length) ** 2) * along**2
        near = apart < (rng.uniform(1, reach) * spacing) ** 2
        owner[near & (owner == np.arange(1, len(grid) + 1))] = owner[site]
    joining = np.flatnonzero(rng.random(len(grid)) < merging)
    neighbours = cKDTree(grid).query(grid[joining], 2)[1][:, 1] if len(joining) else joining
    for site, neighbour in zip(joining, neighbours, strict=True):
        owner[owner == owner[site]] = owner[neighbour]
    return Sites(grid.astype(np.float32), bonus.astype(np.float32), owner.astype(np.int32))


def coordinates(
    rng: np.random.Generator,
    side: int,
    *,
    stretch: float = 1.0,
    angle: float = 0.0,
    warp: float = 0.0,
    scale: float = 30.0,
    octaves: int = 1,
) -> FloatArray:
    """Pixel coordinates, bent and stretched, in which sites are searched.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the bending.
    side : int
        Side of the plane.
    stretch : float
        Cells become this much longer along `angle`.
    angle : float
        Radians.
    warp, scale : float
        How far borders are bent, in pixels, and over how many pixels.
    octaves : int
        In how many sizes they are bent, each half as large and as strong as the one before.

    Returns
    -------
    ndarray of float32, (2, y, x)
    """
    y, x = np.meshgrid(
        np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32), indexing="ij"
    )
    if warp:
        y = y + np.float32(warp) * fractal(rng, (side, side), scale, octaves)
        x = x + np.float32(warp) * fractal(rng, (side, side), scale, octaves)
    if stretch == 1.0:
        return np.stack([y, x])
    middle = np.float32(side / 2)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along = ((x - middle) * cos + (y - middle) * sin) / np.float32(np.sqrt(stretch))
    across = ((y - middle) * cos - (x - middle) * sin) * np.float32(np.sqrt(stretch))
    return np.stack([across + middle, along + middle])


def cut(sites: Sites, yx: FloatArray, z: float = 0.0) -> Tiling:
    """Cut the tiling with the plane at depth `z`.

    Parameters
    ----------
    sites : Sites
        Where cells form.
    yx : ndarray of float32, (2, y, x)
        Place of each pixel, see `coordinates`.
    z : float
        Depth of the plane in pixels.

    Returns
    -------
    Tiling
    """
    shape = yx.shape[1:]
    labels = np.empty(shape, np.int32)
    wall = np.empty(shape, np.float32)
    offset = (sites.zyx[:, 0] - np.float32(z)) ** 2 - sites.bonus
    for y in range(0, shape[0], _BLOCK):
        for x in range(0, shape[1], _BLOCK):
            window = slice(y, y + _BLOCK), slice(x, x + _BLOCK)
            places = yx[:, window[0], window[1]]
            owner, far = _nearest_two(sites, offset, places.reshape(2, -1))
            labels[window] = owner.reshape(places.shape[1:])
            wall[window] = far.reshape(places.shape[1:])
    return Tiling(labels, wall)


def _nearest_two(
    sites: Sites, offset: FloatArray, places: FloatArray
) -> tuple[LabelArray, FloatArray]:
    """Owner of each place, (n,), and its distance to the next owner's ground."""
    low, high = places.min(axis=1), places.max(axis=1)
    rivals = _rivals(sites, offset, low, high)
    zyx, owner = sites.zyx[rivals], sites.owner[rivals]
    middle = (low + high) / 2
    yx = zyx[:, 1:] - middle
    # squared distance without the place's own square, which is the same for all: (n, rivals)
    apart = (places.T - middle) @ (-2 * yx.T) + ((yx**2).sum(axis=1) + offset[rivals])
    index = np.arange(len(apart))
    first = apart.argmin(axis=1)
    best = apart[index, first]
    apart[owner == owner[first][:, None]] = np.inf
    second = apart.argmin(axis=1)
    gap = np.sqrt(((zyx[first] - zyx[second]) ** 2).sum(axis=1)) + np.float32(1e-3)
    return owner[first], np.minimum((apart[index, second] - best) / (2 * gap), np.float32(1e3))


def _rivals(
    sites: Sites, offset: FloatArray, low: FloatArray, high: FloatArray
) -> NDArray[np.intp]:
    """Sites that can be nearest, or second nearest with another owner, somewhere in the box `low` to `high`."""
    yx = sites.zyx[:, 1:]
    closest = ((np.clip(yx, low, high) - yx) ** 2).sum(axis=1) + offset
    farthest = (np.maximum(np.abs(yx - low), np.abs(yx - high)) ** 2).sum(axis=1) + offset
    other = sites.owner != sites.owner[farthest.argmin()]
    bound = farthest[other].min(initial=np.inf)
    return np.flatnonzero(closest <= bound)
