"""What is inside cells in electron microscopy, and is part of them: vesicles and mitochondria."""

import numpy as np

from napari_sam2.synthetic.fields import fractal, smooth_noise
from napari_sam2.synthetic.records import FloatArray
from napari_sam2.synthetic.shapes import Outline, ramp, rasterise, wavy_profile
from napari_sam2.synthetic.tiling import Tiling

__all__ = ["add_mitochondria", "add_vesicles"]


def add_vesicles(rng: np.random.Generator, light: FloatArray, tiling: Tiling, count: int) -> None:
    """Fill some cells with dark dots, in place."""
    dots = smooth_noise(rng, light.shape, rng.uniform(1.5, 4))
    full = (rng.random(count) < rng.choice([0.0, 0.3, 0.7]))[tiling.labels]
    light -= np.where(full & (dots > 1.1), np.float32(rng.uniform(0.1, 0.4)), np.float32(0))


def add_mitochondria(
    rng: np.random.Generator, light: FloatArray, tiling: Tiling, count: int, spacing: float
) -> None:
    """Draw mitochondria, in place: bodies of their own shape, and some that fill their cell."""
    side = light.shape[0]
    seeds = rng.integers(
        2**32, size=rng.poisson(min(25, rng.uniform(0.1, 0.5) * (side / spacing) ** 2))
    )
    for seed in seeds:
        add_mitochondrion(np.random.default_rng(seed), light, tiling, spacing)
    if rng.random() < 0.6:
        fill_cells(rng, light, tiling, count, spacing)


def add_mitochondrion(
    rng: np.random.Generator, light: FloatArray, tiling: Tiling, spacing: float
) -> None:
    """Draw a mitochondrion with cristae inside the cell under a random place, in place."""
    y, x = (int(v) for v in rng.integers(0, light.shape[0], 2))
    if tiling.wall[y, x] < 0.12 * spacing:
        return
    radius = spacing * rng.uniform(0.12, 0.4) + 2
    outline = Outline(
        (y, x),
        (radius * rng.uniform(1, 2), radius),
        rng.uniform(0, np.pi),
        wavy_profile(rng, 0.08),
        rng.normal(0, 0.2),
    )
    patch = rasterise(outline, light.shape)
    if patch is None:
        return
    own = (tiling.labels[patch.window] == tiling.labels[y, x]) & (tiling.wall[patch.window] > 1.5)
    body = ramp(patch.depth, 0.8) * own
    cristae = np.sin(
        patch.along * np.float32(rng.uniform(0.8, 1.6))
        + patch.across * np.float32(rng.normal(0, 0.3))
    )
    inner = rng.uniform(0.15, 0.55) + np.float32(rng.uniform(0.03, 0.12)) * cristae
    inner -= np.float32(0.15) * np.exp(-((patch.depth / 1.2) ** 2))
    view = light[patch.window]
    view += body * (inner - view)


def fill_cells(
    rng: np.random.Generator, light: FloatArray, tiling: Tiling, count: int, spacing: float
) -> None:
    """Fill stretches of some cells with one dark, grainy mitochondrion up to near the membrane, in place."""
    shape = light.shape
    size = spacing * rng.uniform(0.6, 2.0)
    stretches = (smooth_noise(rng, shape, size) - np.float32(rng.uniform(-0.3, 0.8))) * np.float32(
        size / 2
    )
    holders = (rng.random(count) < rng.uniform(0.1, 0.5))[tiling.labels]
    gap = rng.uniform(0.05, 0.15) * spacing + 1.5
    depth = np.minimum(tiling.wall - np.float32(gap), stretches)
    body = ramp(depth, 1.0) * holders
    grain = fractal(rng, shape, rng.uniform(2, 5), octaves=2)
    inner = np.float32(rng.uniform(0.1, 0.45)) + np.float32(rng.uniform(0.02, 0.08)) * grain
    inner -= np.float32(rng.uniform(0, 0.15)) * np.exp(-((depth / 1.5) ** 2))
    light += body * (inner - light)
