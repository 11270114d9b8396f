"""Bright field: dark nuclei, alone or in pale, creased cells many times as large."""

from dataclasses import replace

import numpy as np

from napari_sam2.synthetic.culture import Culture, draw_culture
from napari_sam2.synthetic.fields import fractal, smooth_noise
from napari_sam2.synthetic.optics import Camera
from napari_sam2.synthetic.phase import draw_cell_outline
from napari_sam2.synthetic.placing import draw_diameter
from napari_sam2.synthetic.records import FloatArray
from napari_sam2.synthetic.scene import Scene
from napari_sam2.synthetic.shapes import Outline, ramp
from napari_sam2.synthetic.stage import Stage
from napari_sam2.synthetic.stained import (
    stain_bodies,
    stain_cytoplasm,
    stain_nuclei,
    typical_diameter,
)

__all__ = ["draw_brightfield"]


def draw_brightfield(rng: np.random.Generator, side: int, stage: Stage) -> Scene:
    """Draw dark nuclei in pale cells; see `napari_sam2.synthetic.draw_plane`."""
    squamous = rng.random() < 0.55
    culture = draw_smear(rng, side) if squamous else None
    stain, labels, outlines = stain_nuclei(rng, side, stage, culture)
    diameter = typical_diameter(outlines)
    shape = (side, side)
    density = np.float32(rng.uniform(0.5, 2)) * stain
    if squamous:
        density += stain_squamous(rng, side, stage, outlines, diameter)
    elif rng.random() < 0.75:
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


def draw_smear(rng: np.random.Generator, side: int) -> Culture:
    """Choose few, small, dark nuclei, far from each other."""
    diameter = draw_diameter(rng, side, 9, 34)
    return replace(
        draw_culture(rng, side, diameter),
        count=int(np.clip(rng.uniform(0.02, 0.1) * side**2 / diameter**2, 3, 16)),
        spacing=rng.uniform(1.2, 2.5),
        clustering=0.0,
        brightness_spread=rng.uniform(0.05, 0.4),
        dim_share=rng.choice([0.0, 0.15]),
        edge=rng.uniform(0.4, 1.3),
        spots=rng.choice([0.0, 2.0]),
    )


def stain_squamous(
    rng: np.random.Generator, side: int, stage: Stage, outlines: list[Outline], diameter: float
) -> FloatArray:
    """Large pale cells around most nuclei and without any: with folds, debris, and crumpled dark parts."""
    shape = (side, side)
    growth = rng.uniform(2.5, 5)
    middles = [o for o in outlines if rng.random() < 0.8]
    bodies = [
        draw_cell_outline(
            rng,
            (o.centre[0] + rng.normal(0, diameter / 2), o.centre[1] + rng.normal(0, diameter / 2)),
            min(diameter / 2 * growth * rng.uniform(0.8, 1.3), side / 3),
            0.1,
            rng.choice([0.0, 0.25]),
            o.z,
        )
        for o in middles
    ]
    for _ in range(rng.poisson(1.5)):
        place = (rng.uniform(0, side), rng.uniform(0, side))
        size = min(diameter / 2 * growth, side / 3)
        bodies.append(draw_cell_outline(rng, place, size, 0.2, 0.2))
    amount = stain_bodies(rng, side, stage, bodies, rng.uniform(0.1, 0.5))
    shades = smooth_noise(rng, shape, diameter * rng.uniform(1, 3))
    grain = fractal(rng, shape, rng.uniform(2, 8), 3, 0.8)
    texture = 1 + np.float32(rng.uniform(0.05, 0.3)) * shades + np.float32(0.08) * grain
    folds = np.exp(-((smooth_noise(rng, shape, diameter * rng.uniform(1, 3)) * 8) ** 2))
    texture += np.float32(rng.choice([0.0, 0.3, 0.8])) * folds
    threads = smooth_noise(rng, shape, (rng.uniform(2, 4), rng.uniform(4, 9)))
    texture += np.float32(rng.uniform(0, 0.8)) * ramp(threads - np.float32(1.8), 0.4)
    if rng.random() < 0.4:  # torn and folded over: nearly as dark as nuclei, but ragged
        crumpled = smooth_noise(rng, shape, diameter * rng.uniform(1.5, 4)) - np.float32(1.0)
        rough = np.maximum(1 + fractal(rng, shape, diameter * 0.5, 4, 0.8), 0)
        texture += np.float32(rng.uniform(1, 3)) * ramp(crumpled, 0.2) * rough
    return np.asarray(amount * np.maximum(texture, 0.2), np.float32)
