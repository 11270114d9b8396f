"""Electron microscopy of neural tissue: bodies of all sizes, crooked and dense, with dark membranes and organelles.

Small neurites lie in bundles beside trunks many times as wide, and every pixel belongs to one of them.
"""

import numpy as np

from napari_sam2.synthetic.fields import blur, fractal, smooth_noise
from napari_sam2.synthetic.optics import Camera
from napari_sam2.synthetic.organelles import add_mitochondria, add_vesicles
from napari_sam2.synthetic.placing import draw_diameter
from napari_sam2.synthetic.records import FloatArray
from napari_sam2.synthetic.scene import Scene
from napari_sam2.synthetic.stage import Stage
from napari_sam2.synthetic.tiling import Sites, Tiling, coordinates, cut, scatter_sites

__all__ = ["draw_em"]


def draw_em(rng: np.random.Generator, side: int, stage: Stage) -> Scene:
    """Draw electron microscopy; see `napari_sam2.synthetic.draw_plane`."""
    bundled = rng.random() < 0.7
    spacing = draw_diameter(rng, side, 9, 26 if bundled else 55)
    grow = grow_bundles if bundled else grow_cells
    sites, yx = grow(rng, side, spacing, stage.depth)
    tiling = cut(stage.move_sites(sites, spacing), yx, stage.z)
    count = int(sites.owner.max()) + 1
    light = light_cells(rng, tiling, count, stage.noise)
    add_vesicles(rng, light, tiling, count)
    add_mitochondria(rng, light, tiling, count, spacing)
    light = add_membranes(rng, light, tiling, spacing)
    camera = Camera(
        sigma=rng.uniform(0.4, 1 + 0.02 * spacing),
        coarseness=rng.choice([1.0, 1.0, rng.uniform(1, 2)]),
        photons=10 ** rng.uniform(1.5, 3.3),
        grain=rng.choice([0.0, 0.5]),
        low=rng.uniform(0, 1),
        high=rng.uniform(99, 100),
        inverted=bool(rng.random() < 0.07),
    )
    return Scene(light, tiling.labels, camera, glowing=False)


def grow_bundles(
    rng: np.random.Generator, side: int, spacing: float, depth: float
) -> tuple[Sites, FloatArray]:
    """Sites of small neurites between long, wide trunks, and the crooked coordinates in which they are searched."""
    sites = scatter_sites(
        rng,
        side,
        spacing,
        depth=depth,
        jitter=0.45,
        size_spread=rng.uniform(0.2, 0.6),
        merging=rng.uniform(0.1, 0.4),
        large=rng.uniform(0.01, 0.05),
        reach=rng.uniform(1.5, 3.0),
        length=rng.uniform(1, 3),
    )
    scale = spacing * rng.uniform(1.0, 3.0)
    yx = coordinates(
        rng,
        side,
        stretch=1 + rng.gamma(1.5, 0.5),
        angle=rng.uniform(0, np.pi),
        warp=scale * rng.uniform(0.1, 0.25),
        scale=scale,
        octaves=3,
    )
    return sites, yx


def grow_cells(
    rng: np.random.Generator, side: int, spacing: float, depth: float
) -> tuple[Sites, FloatArray]:
    """Sites of cells of more even size, and the bent coordinates in which they are searched."""
    sites = scatter_sites(
        rng,
        side,
        spacing,
        depth=depth,
        jitter=0.4,
        size_spread=rng.uniform(0.2, 0.7),
        merging=rng.uniform(0, 0.45),
        large=rng.choice([0.0, 0.02, 0.05]),
    )
    yx = coordinates(
        rng,
        side,
        stretch=1 + rng.gamma(1.5, 0.5),
        angle=rng.uniform(0, np.pi),
        warp=spacing * rng.uniform(0.1, 0.35),
        scale=spacing * rng.uniform(0.5, 1.2),
    )
    return sites, yx


def light_cells(
    rng: np.random.Generator, tiling: Tiling, count: int, noise: np.random.Generator
) -> FloatArray:
    """Cytoplasm: a level per cell, some cells dark, mottled and grainy."""
    shape = tiling.wall.shape
    level = rng.uniform(0.6, 0.95) + rng.normal(0, rng.uniform(0.02, 0.15), count)
    dark = rng.random(count) < rng.choice([0.0, 0.1, 0.3])
    level = np.where(dark, level * rng.uniform(0.35, 0.7), level).astype(np.float32)
    light = np.clip(level, 0.15, 1.0)[tiling.labels]
    light += np.float32(rng.uniform(0.02, 0.1)) * fractal(
        noise, shape, rng.uniform(2.5, 6), octaves=2, fade=0.8
    )
    mottling = fractal(rng, shape, rng.uniform(5, 12), octaves=3, fade=0.9)
    light += np.float32(rng.choice([0.0, rng.uniform(0.03, 0.15)])) * mottling
    return np.asarray(light, np.float32)


def add_membranes(
    rng: np.random.Generator, light: FloatArray, tiling: Tiling, spacing: float
) -> FloatArray:
    """Darken the borders; where a membrane is cut at a slant it is broad and faint."""
    width = rng.uniform(0.8, 2.2) + rng.uniform(0.005, 0.05) * spacing
    slant = np.exp(np.float32(rng.uniform(0.1, 0.7)) * smooth_noise(rng, light.shape, spacing))
    line = np.exp(-((tiling.wall / (np.float32(width) * slant)) ** 2)) / np.sqrt(slant)
    dark = np.float32(rng.uniform(0.05, 0.35))
    light = light + np.minimum(line, 1) * np.minimum(dark - light, 0)
    shading = smooth_noise(rng, light.shape, light.shape[0] / 2)
    shaded = blur(light, 0.3) + np.float32(rng.uniform(0, 0.06)) * shading
    return np.asarray(np.maximum(shaded, 0), np.float32)
