"""Stained cells in transmitted light: grey bright field, and histology in colour.

Light is taken away by stain: each channel is exp(-optical density), the sum over the stains of amount times absorption
(Beer-Lambert law).
"""

import numpy as np

from napari_sam2.synthetic.culture import draw_culture, populate
from napari_sam2.synthetic.fields import draw_tile, fractal, smooth_noise
from napari_sam2.synthetic.nuclei import shade
from napari_sam2.synthetic.optics import Camera
from napari_sam2.synthetic.phase import draw_cell_outline
from napari_sam2.synthetic.placing import claim
from napari_sam2.synthetic.records import FloatArray, LabelArray
from napari_sam2.synthetic.scene import Scene
from napari_sam2.synthetic.shapes import Outline, ramp
from napari_sam2.synthetic.stage import Stage

__all__ = ["draw_brightfield", "draw_histology"]


def stain_nuclei(
    rng: np.random.Generator, side: int, stage: Stage
) -> tuple[FloatArray, LabelArray, list[Outline]]:
    """Stain of nuclei, their labels and their outlines."""
    culture = draw_culture(rng, side)
    tile = draw_tile(rng, stage.layer, stage.layers, stage.layer_scale)
    nuclei = populate(rng, side, stage, culture, max(0.9, culture.spacing))
    outlines = [outline for outline, _ in nuclei]
    labels = np.zeros((side, side), np.int32)
    stain = np.zeros((side, side), np.float32)
    for take, patch in stage.seen(outlines, side, margin=2.5 * culture.edge + 2):
        claim(labels, patch, take.object_id)
        view = stain[patch.window]
        amount = np.float32(take.gain) * shade(patch, take.outline, nuclei[take.index][1], tile)
        np.maximum(view, np.minimum(amount, 2.5), out=view)
    return stain, labels, outlines


def typical_diameter(outlines: list[Outline]) -> float:
    """Median diameter of outlines, in pixels."""
    return 2 * float(np.median([np.sqrt(o.radii[0] * o.radii[1]) for o in outlines] or [10.0]))


def draw_brightfield(rng: np.random.Generator, side: int, stage: Stage) -> Scene:
    """Draw dark nuclei in pale cells; see `napari_sam2.synthetic.draw_plane`."""
    stain, labels, outlines = stain_nuclei(rng, side, stage)
    diameter = typical_diameter(outlines)
    shape = (side, side)
    density = np.float32(rng.uniform(0.5, 2)) * stain
    if rng.random() < 0.75:
        density += stain_cytoplasm(rng, side, stage, outlines)
    density += np.float32(rng.uniform(0, 0.04)) * np.abs(fractal(rng, shape, rng.uniform(3, 20)))
    for _ in range(rng.poisson(rng.choice([0.0, 6.0, 20.0]))):
        y, x = rng.integers(0, side - 5, 2)
        density[y : y + rng.integers(1, 4), x : x + rng.integers(1, 5)] += np.float32(
            rng.uniform(0.1, 0.8)
        )
    light = np.exp(-density)
    light *= 1 + np.float32(rng.uniform(0, 0.15)) * smooth_noise(
        rng, shape, side * rng.uniform(0.4, 1.2)
    )
    camera = Camera(
        sigma=min(rng.gamma(1.5, 0.6), diameter / 9),
        coarseness=rng.choice([1.0, 1.0, rng.uniform(1, max(1, min(3, diameter / 9)))]),
        photons=10 ** rng.uniform(2, 4),
        grain=rng.choice([0.0, 0.6]),
        low=0.0,
        high=rng.choice([99.0, 100.0]),
        gamma=rng.uniform(0.7, 1.4),
    )
    return Scene(np.maximum(light, 0), labels, camera, glowing=False)


def stain_cytoplasm(
    rng: np.random.Generator, side: int, stage: Stage, outlines: list[Outline]
) -> FloatArray:
    """Pale, overlapping cell bodies around some nuclei."""
    shape = (side, side)
    amount = np.zeros(shape, np.float32)
    level, growth = rng.uniform(0.05, 0.35), rng.uniform(1.6, 5)
    texture = 1 + np.float32(rng.uniform(0.05, 0.4)) * fractal(
        rng, shape, rng.uniform(4, 30), 3, 0.7
    )
    folds = np.exp(-((smooth_noise(rng, shape, side / 12) * 6) ** 2)) * np.float32(
        rng.choice([0.0, 0.5])
    )
    chosen = rng.permutation(len(outlines))[: int(rng.integers(2, 9))]
    bodies = []
    for index in chosen:
        nucleus = outlines[index]
        radius = max(nucleus.radii)
        y, x = (float(c + rng.normal(0, radius / 2)) for c in nucleus.centre)
        size = min(radius * growth, side / 2)
        bodies.append(draw_cell_outline(rng, (y, x), size, 0.1, rng.choice([0.0, 0.3]), nucleus.z))
    strength = level * rng.uniform(0.5, 1.5, len(bodies))
    for take, patch in stage.seen(bodies, side):
        body = ramp(patch.depth, 1.0) * (1 + np.float32(0.6) * np.exp(-np.abs(patch.depth)))
        amount[patch.window] += np.float32(strength[take.index]) * body
    return np.asarray(amount * np.maximum(texture + folds, 0.1), np.float32)


def draw_histology(rng: np.random.Generator, side: int, stage: Stage) -> Scene:
    """Draw purple nuclei on pink tissue, in colour; see `napari_sam2.synthetic.draw_plane`."""
    stain, labels, outlines = stain_nuclei(rng, side, stage)
    diameter = typical_diameter(outlines)
    tissue = stain_tissue(rng, side, diameter)
    if rng.random() < 0.4:
        tissue += stain_cytoplasm(rng, side, stage, outlines)
    nuclear = np.float32(rng.uniform(0.6, 1.5)) * np.minimum(stain, 1.6)
    if rng.random() < 0.5:
        nuclear += np.float32(rng.uniform(0.05, 0.25)) * np.maximum(
            fractal(rng, stain.shape, diameter * 0.4), 0
        )
    purple = np.array([0.65, 0.85, 0.35]) * rng.uniform(0.7, 1.3, 3)
    pink = np.array([0.1, 0.7, 0.35]) * rng.uniform(0.6, 1.4, 3)
    if rng.random() < 0.3:
        pink = np.array([0.3, 0.35, 0.3]) * rng.uniform(0.7, 1.3, 3)
    tint = rng.uniform(0.8, 1.0, 3)
    # per stain: amount (y, x) times absorption (channel) -> (y, x, channel)
    density = nuclear[..., None] * purple.astype(np.float32) + tissue[..., None] * pink.astype(
        np.float32
    )
    camera = Camera(
        sigma=min(rng.gamma(1.5, 0.5), diameter / 10),
        photons=10 ** rng.uniform(2.3, 4),
        read_noise=0.004,
        grain=rng.choice([0.0, 0.6]),
        gamma=rng.uniform(0.7, 1.3),
        fixed=True,
    )
    return Scene(tint.astype(np.float32) * np.exp(-density), labels, camera, glowing=False)


def stain_tissue(rng: np.random.Generator, side: int, diameter: float) -> FloatArray:
    """Fibres and ground between nuclei, with pale holes."""
    shape = (side, side)
    length = diameter * rng.uniform(1, 4)
    scales = (length, diameter * rng.uniform(0.1, 0.4))
    fibres = smooth_noise(rng, shape, scales if rng.random() < 0.5 else scales[::-1])
    ground = fractal(rng, shape, diameter * rng.uniform(0.4, 2), octaves=4, fade=0.7)
    mix = np.float32(rng.uniform(0, 1))
    tissue = np.float32(rng.uniform(0.1, 0.7)) * (
        1 + np.float32(0.4) * (mix * fibres + (1 - mix) * ground)
    )
    if rng.random() < 0.5:
        holes = smooth_noise(rng, shape, diameter * rng.uniform(0.8, 2.5))
        tissue *= ramp(np.float32(rng.uniform(0.2, 1.2)) - holes, rng.uniform(0.1, 0.5))
    return np.asarray(np.maximum(tissue, 0), np.float32)
