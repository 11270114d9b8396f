"""Electron microscopy of neural tissue: a dense tiling with thin dark membranes and organelles."""

import numpy as np

from napari_sam2.synthetic.fields import blur, fractal, smooth_noise
from napari_sam2.synthetic.optics import Camera
from napari_sam2.synthetic.placing import draw_diameter
from napari_sam2.synthetic.records import FloatArray
from napari_sam2.synthetic.scene import Scene
from napari_sam2.synthetic.shapes import Outline, ramp, rasterise, wavy_profile
from napari_sam2.synthetic.stage import Stage
from napari_sam2.synthetic.tiling import Tiling, coordinates, cut, scatter_sites

__all__ = ["draw_em"]


def draw_em(rng: np.random.Generator, side: int, stage: Stage) -> Scene:
    """Draw electron microscopy; see `napari_sam2.synthetic.draw_plane`."""
    spacing = draw_diameter(rng, side, 11, 60)
    sites = scatter_sites(
        rng,
        side,
        spacing,
        depth=stage.depth,
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
    tiling = cut(stage.move_sites(sites, spacing), yx, stage.z)
    light = light_cells(rng, tiling, int(sites.owner.max()) + 1, stage.noise)
    seeds = rng.integers(
        2**32, size=rng.poisson(min(25, rng.uniform(0.1, 0.5) * (side / spacing) ** 2))
    )
    for seed in seeds:
        add_mitochondrion(np.random.default_rng(seed), light, tiling, spacing)
    light = add_membranes(rng, light, tiling, spacing)
    camera = Camera(
        sigma=rng.uniform(0.4, 1 + 0.02 * spacing),
        coarseness=rng.choice([1.0, 1.0, rng.uniform(1, 2)]),
        photons=10 ** rng.uniform(1.5, 3.3),
        grain=rng.choice([0.0, 0.5]),
        low=rng.uniform(0, 1),
        high=rng.uniform(99, 100),
        inverted=bool(rng.random() < 0.1),
    )
    return Scene(light, tiling.labels, camera, glowing=False)


def light_cells(
    rng: np.random.Generator, tiling: Tiling, count: int, noise: np.random.Generator
) -> FloatArray:
    """Cytoplasm: a level per cell, some cells dark, a grainy texture, vesicles."""
    shape = tiling.wall.shape
    level = rng.uniform(0.6, 0.95) + rng.normal(0, rng.uniform(0.02, 0.12), count)
    dark = rng.random(count) < rng.choice([0.0, 0.1, 0.3])
    level = np.where(dark, level * rng.uniform(0.35, 0.7), level).astype(np.float32)
    grain = fractal(noise, shape, rng.uniform(2.5, 6), octaves=2, fade=0.8)
    light = np.clip(level, 0.15, 1.0)[tiling.labels] + np.float32(rng.uniform(0.02, 0.1)) * grain
    dots = smooth_noise(rng, shape, rng.uniform(1.5, 3.5))
    full = (rng.random(count) < rng.choice([0.0, 0.3, 0.7]))[tiling.labels]
    light -= np.where(full & (dots > 1.1), np.float32(rng.uniform(0.1, 0.4)), np.float32(0))
    return light


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


def add_membranes(
    rng: np.random.Generator, light: FloatArray, tiling: Tiling, spacing: float
) -> FloatArray:
    """Darken the borders; where a membrane is cut at a slant it is broad and faint."""
    width = rng.uniform(0.8, 1.6) + rng.uniform(0.005, 0.05) * spacing
    slant = np.exp(np.float32(rng.uniform(0.1, 0.5)) * smooth_noise(rng, light.shape, spacing))
    line = np.exp(-((tiling.wall / (np.float32(width) * slant)) ** 2)) / np.sqrt(slant)
    dark = np.float32(rng.uniform(0.05, 0.3))
    light = light + np.minimum(line, 1) * (dark - light)
    shading = smooth_noise(rng, light.shape, light.shape[0] / 2)
    return np.maximum(blur(light, 0.3) + np.float32(rng.uniform(0, 0.06)) * shading, 0)
