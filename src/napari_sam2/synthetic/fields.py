"""Smooth random fields, and blurring and resampling as products of small matrices.

A smooth field is coarse white noise spread by cubic B-splines. Along each axis that is a multiplication by a narrow
matrix, which is many times faster than filtering fine noise.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from napari_sam2.synthetic.records import FloatArray

__all__ = ["Tile", "blur", "draw_tile", "fractal", "product", "resampling", "smooth_noise"]

_SPREAD = 0.479  # mean of the summed squared weights of a cubic B-spline, per axis


def product(left: FloatArray, right: FloatArray) -> FloatArray:
    """Product of two matrices, block by block.

    OpenBLAS gives products of more than 262144 multiplications to threads. For matrices as small as ours that gains
    little, and waiting for threads costs a hundred times the product where the cores are busy with training.
    """
    step = max(4, int((262144 / left.shape[1]) ** 0.5) // 4 * 4)
    total = np.empty((len(left), right.shape[1]), np.float32)
    for y in range(0, len(left), step):
        for x in range(0, right.shape[1], step):
            total[y : y + step, x : x + step] = left[y : y + step] @ right[:, x : x + step]
    return total


def spline_basis(size: int, scale: float, phase: float = 0.0, period: int = 0) -> FloatArray:
    """Weights of cubic B-splines, `scale` samples apart.

    Parameters
    ----------
    size : int
        Number of samples.
    scale : float
        Samples between two knots.
    phase : float
        Shift in knots, 0 to 1.
    period : int
        Number of knots after which they repeat, 4 or more; 0 for none.

    Returns
    -------
    ndarray of float32, (size, knots)
    """
    place = np.arange(size, dtype=np.float32) / np.float32(scale) + np.float32(phase)
    knot = place.astype(np.intp)
    t = place - knot
    weights = np.stack(
        [
            (1 - t) ** 3,
            3 * t**3 - 6 * t**2 + 4,
            -3 * t**3 + 3 * t**2 + 3 * t + 1,
            t**3,
        ],
        axis=1,
    )
    columns = knot[:, None] + np.arange(4)
    if period:
        columns %= period
    basis = np.zeros((size, period or int(knot[-1]) + 4), np.float32)
    basis[np.arange(size)[:, None], columns] = weights / 6
    return basis


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int], scale: float | tuple[float, float]
) -> FloatArray:
    """Smooth noise of mean 0 and variance about 1.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple of int
        (y, x).
    scale : float or tuple of float
        Size of the features in pixels, 1 or more, along y and x.

    Returns
    -------
    ndarray of float32, (y, x)
    """
    scale_y, scale_x = scale if isinstance(scale, tuple) else (scale, scale)
    left = spline_basis(shape[0], max(scale_y, 1.0), rng.random())
    right = spline_basis(shape[1], max(scale_x, 1.0), rng.random())
    knots = rng.standard_normal((left.shape[1], right.shape[1]), dtype=np.float32)
    return product(product(left, knots / np.float32(_SPREAD)), right.T)


def fractal(
    rng: np.random.Generator,
    shape: tuple[int, int],
    scale: float,
    octaves: int = 3,
    fade: float = 0.5,
) -> FloatArray:
    """Noise with details in several sizes, each half as large and `fade` times as strong as the one before."""
    total = np.zeros(shape, np.float32)
    power = 0.0
    for octave in range(octaves):
        strength = fade**octave
        total += np.float32(strength) * smooth_noise(rng, shape, scale / 2**octave)
        power += strength**2
    return total / np.float32(np.sqrt(power))


@dataclass(frozen=True, slots=True)
class Tile:
    """A noise that repeats, looked up at any place: a texture that moves with its object.

    Parameters
    ----------
    values : ndarray of float32, (y, x)
        One period; both sides are the same power of two.
    grain : float
        Size of the finest features in tile pixels.
    """

    values: FloatArray
    grain: float = 4.0

    def at(
        self, y: FloatArray, x: FloatArray, grain: float, offset: tuple[float, float]
    ) -> FloatArray:
        """Values at places y, x in pixels, with features of `grain` pixels; `offset` (y, x) chooses the part."""
        mask = len(self.values) - 1
        zoom = np.float32(self.grain / grain)
        start_y, start_x = (np.float32(o + 8 * len(self.values)) for o in offset)
        row = (y * zoom + start_y).astype(np.intp) & mask
        column = (x * zoom + start_x).astype(np.intp) & mask
        return np.asarray(self.values[row, column], np.float32)


def draw_tile(
    rng: np.random.Generator, layer: int = 0, layers: int = 1, layer_scale: float = 2.0
) -> Tile:
    """Draw a repeating noise of two octaves.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness; the layers of one tile are drawn with equal generators.
    layer, layers : int
        Which of how many layers: neighbours are alike, about `layer_scale` apart they differ.
    layer_scale : float
        See there.

    Returns
    -------
    Tile
    """
    size = 128
    total = np.zeros((size, size), np.float32)
    for strength, step in ((0.8, 8), (0.6, 4)):
        side = spline_basis(size, step, 0.0, size // step)
        if layers == 1:
            knots = rng.standard_normal((size // step, size // step), dtype=np.float32)
        else:
            depth = spline_basis(layers, layer_scale)[layer % layers]
            stack = rng.standard_normal((len(depth), size // step, size // step), dtype=np.float32)
            knots = (depth[:, None, None] * stack).sum(axis=0) / np.float32(np.sqrt(_SPREAD))
        total += np.float32(strength / _SPREAD) * product(product(side, knots), side.T)
    return Tile(total)


@lru_cache(maxsize=256)
def _gaussian(size: int, sigma: float) -> FloatArray:
    steps = np.arange(size, dtype=np.float32)
    weights = np.exp(-0.5 * ((steps[:, None] - steps) / np.float32(sigma)) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def blur(image: FloatArray, sigma: float) -> FloatArray:
    """Gaussian blur of a plane; weights that fall outside are shared out among those inside.

    Parameters
    ----------
    image : ndarray of float32, (y, x)
        The plane.
    sigma : float
        Pixels, rounded to a tenth; 0 returns the plane itself.

    Returns
    -------
    ndarray of float32, (y, x)
    """
    sigma = round(sigma, 1)
    if sigma <= 0.0:
        return image
    return product(
        product(_gaussian(image.shape[0], sigma), image), _gaussian(image.shape[1], sigma).T
    )


@lru_cache(maxsize=64)
def resampling(size: int, new_size: int) -> FloatArray:
    """Linear resampling from `size` to `new_size` samples as a matrix; shrinking averages.

    Returns
    -------
    ndarray of float32, (new_size, size)
    """
    ratio = size / new_size
    centre = (np.arange(new_size) + 0.5) * ratio - 0.5
    reach = max(ratio, 1.0)
    weights = np.clip(1 - np.abs(centre[:, None] - np.arange(size)) / reach, 0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
