"""Stain of cells seen in transmitted light: nuclei, and the pale bodies around them.

Light is taken away by stain: each channel is exp(-optical density), the sum over the stains of amount times absorption
(Beer-Lambert law).
"""

import numpy as np

from napari_sam2.synthetic.culture import Culture, draw_culture, populate
from napari_sam2.synthetic.fields import draw_tile, fractal, smooth_noise
from napari_sam2.synthetic.nuclei import shade
from napari_sam2.synthetic.phase import draw_cell_outline
from napari_sam2.synthetic.placing import claim
from napari_sam2.synthetic.records import FloatArray, LabelArray
from napari_sam2.synthetic.shapes import Outline, ramp
from napari_sam2.synthetic.stage import Stage

__all__ = ["stain_bodies", "stain_cytoplasm", "stain_nuclei", "typical_diameter"]


def stain_nuclei(
    rng: np.random.Generator, side: int, stage: Stage, culture: Culture | None = None
) -> tuple[FloatArray, LabelArray, list[Outline]]:
    """Stain of nuclei, their labels and their outlines."""
    culture = culture or draw_culture(rng, side)
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


def stain_cytoplasm(
    rng: np.random.Generator, side: int, stage: Stage, outlines: list[Outline]
) -> FloatArray:
    """Pale, overlapping cell bodies around some nuclei."""
    shape = (side, side)
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
    amount = stain_bodies(rng, side, stage, bodies, level)
    return np.asarray(amount * np.maximum(texture + folds, 0.1), np.float32)


def stain_bodies(
    rng: np.random.Generator, side: int, stage: Stage, bodies: list[Outline], level: float
) -> FloatArray:
    """Even stain in bodies, a little stronger along their borders; where they overlap it adds up."""
    amount = np.zeros((side, side), np.float32)
    strength = level * rng.uniform(0.5, 1.5, len(bodies))
    for take, patch in stage.seen(bodies, side):
        body = ramp(patch.depth, 1.0) * (1 + np.float32(0.6) * np.exp(-np.abs(patch.depth)))
        amount[patch.window] += np.float32(strength[take.index]) * body
    return amount
