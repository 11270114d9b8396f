"""Light behind fluorescent objects."""

import numpy as np

from napari_sam2.synthetic.fields import fractal, smooth_noise
from napari_sam2.synthetic.records import FloatArray

__all__ = ["draw_background"]


def draw_background(rng: np.random.Generator, side: int) -> FloatArray:
    """Uneven light behind fluorescent objects, with a few bright specks."""
    shape = (side, side)
    level = rng.choice([0.01, 0.05, 0.15, 0.3]) * rng.uniform(0.5, 1.5)
    light = np.full(shape, level, np.float32)
    if rng.random() < 0.6:
        light *= 1 + np.float32(rng.uniform(0.1, 0.6)) * smooth_noise(
            rng, shape, side * rng.uniform(0.3, 1.2)
        )
    if rng.random() < 0.3:
        light *= 1 + np.float32(rng.uniform(0.1, 0.4)) * fractal(rng, shape, rng.uniform(8, 40))
    for _ in range(rng.poisson(rng.choice([0.0, 0.0, 4.0]))):
        y, x = rng.integers(0, side - 4, 2)
        light[y : y + rng.integers(1, 4), x : x + rng.integers(1, 4)] += np.float32(
            rng.uniform(0.2, 2.5)
        )
    return np.maximum(light, 0)
