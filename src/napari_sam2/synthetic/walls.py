"""Dense cells with bright walls and dark insides, as in confocal images of plant tissue or of membrane markers."""

import numpy as np

from napari_sam2.synthetic.fields import blur, fractal, smooth_noise
from napari_sam2.synthetic.optics import draw_camera
from napari_sam2.synthetic.placing import draw_diameter
from napari_sam2.synthetic.records import BoolArray, FloatArray, LabelArray
from napari_sam2.synthetic.scene import Scene
from napari_sam2.synthetic.stage import Stage
from napari_sam2.synthetic.tiling import Sites, Tiling, coordinates, cut, scatter_sites

__all__ = ["draw_walls"]


def draw_walls(rng: np.random.Generator, side: int, stage: Stage) -> Scene:
    """Draw walled cells; see `napari_sam2.synthetic.draw_plane`."""
    spacing = draw_diameter(rng, side, 12)
    sites = scatter_sites(
        rng,
        side,
        spacing,
        depth=stage.depth,
        jitter=rng.uniform(0.1, 0.4),
        size_spread=rng.uniform(0, 0.25),
        merging=rng.choice([0.0, 0.15]),
    )
    yx = coordinates(
        rng,
        side,
        stretch=1 + rng.gamma(1.2, 0.4),
        angle=rng.uniform(0, np.pi),
        warp=spacing * rng.uniform(0, 0.12),
        scale=spacing * rng.uniform(0.6, 1.5),
    )
    tiling = cut(stage.move_sites(sites, spacing), yx, stage.z)
    count = int(sites.owner.max()) + 1
    light = light_walls(rng, tiling, spacing, count)
    labels = tiling.labels
    if rng.random() < 0.2:
        empty = choose_gaps(rng, sites, side)
        light, labels = leave_gaps(rng, light, labels, empty)
    return Scene(light, labels, draw_camera(rng, spacing, photons=(1.3, 3.5), inverted=0.08))


def light_walls(rng: np.random.Generator, tiling: Tiling, spacing: float, count: int) -> FloatArray:
    """Light of walls and of what is inside the cells."""
    shape = tiling.wall.shape
    thick = rng.random() < 0.4
    thin = rng.choice([rng.uniform(0.02, 0.1), rng.uniform(0.1, 0.25)])
    width = spacing * (rng.uniform(0.1, 0.24) if thick else thin) + 0.5
    if rng.random() < 0.5:
        uneven = np.exp(
            np.float32(rng.uniform(0.1, 0.5))
            * smooth_noise(rng, shape, spacing * rng.uniform(0.5, 2))
        )
        near = tiling.wall / (np.float32(width) * uneven)
    else:
        near = tiling.wall / np.float32(width)
    walls = np.exp(-(near**2)) if rng.random() < 0.5 else np.exp(-near)
    walls *= np.exp(
        np.float32(rng.uniform(0.05, 0.5)) * smooth_noise(rng, shape, spacing * rng.uniform(0.4, 2))
    )
    if (
        thick
    ):  # corners fill up and walls are overexposed: what is dark is much smaller than its cell
        walls = blur(np.asarray(walls, np.float32), spacing * rng.uniform(0.04, 0.09))
        walls = np.minimum(np.float32(rng.uniform(1.0, 1.4)) * walls, 1)
    spread = rng.choice([0.0, 0.05, 0.3])
    level = np.abs(rng.normal(rng.choice([0.02, 0.1, 0.25]), spread, count)).astype(np.float32)
    level = np.minimum(level, 0.75)
    inside = level[tiling.labels] * (
        1 + np.float32(rng.uniform(0, 0.5)) * fractal(rng, shape, spacing * rng.uniform(0.1, 0.6))
    )
    if rng.random() < 0.4:
        inside += nuclei_in_cells(rng, tiling, spacing, count)
    light = np.maximum(walls, np.minimum(inside, 1.2))
    if rng.random() < 0.5:
        light += np.float32(rng.uniform(0.1, 0.5)) * blur(light, spacing * rng.uniform(0.1, 0.4))
    if rng.random() < 0.4:
        light *= np.exp(
            np.float32(rng.uniform(0.1, 0.5))
            * smooth_noise(rng, shape, shape[0] * rng.uniform(0.4, 1))
        )
    return np.asarray(light, np.float32)


def nuclei_in_cells(
    rng: np.random.Generator, tiling: Tiling, spacing: float, count: int
) -> FloatArray:
    """Faint bright bodies in the middle of cells, where the wall is far."""
    blobs = np.clip(tiling.wall / np.float32(spacing * rng.uniform(0.25, 0.4)) - 1, 0, 1)
    on = (rng.random(count) < rng.uniform(0.2, 0.9)).astype(np.float32)
    return np.asarray(np.float32(rng.uniform(0.1, 0.7)) * blobs * on[tiling.labels], np.float32)


def choose_gaps(rng: np.random.Generator, sites: Sites, side: int) -> BoolArray:
    """Cells that are not there, (owners + 1,): neighbours share their fate, as at the border of a tissue."""
    ground = smooth_noise(rng, (side, side), side * rng.uniform(0.25, 0.6))
    y, x = np.clip(sites.zyx[:, 1:], 0, side - 1).astype(np.intp).T
    empty = np.zeros(int(sites.owner.max()) + 1, np.bool_)
    empty[sites.owner] = ground[y, x] > rng.uniform(0.2, 1.0)
    return empty


def leave_gaps(
    rng: np.random.Generator, light: FloatArray, labels: LabelArray, empty: BoolArray
) -> tuple[FloatArray, LabelArray]:
    """Darken empty cells and take their labels away."""
    gone = empty[labels]
    dark = np.where(gone, np.float32(rng.uniform(0, 0.1)), light)
    return dark * np.float32(0.7) + blur(dark, 1.0) * np.float32(0.3), np.where(
        gone, 0, labels
    ).astype(np.int32)
