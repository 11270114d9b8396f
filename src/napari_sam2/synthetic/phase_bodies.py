"""Optical thickness of single cells in phase contrast: more takes light away, less than that of the medium adds light.

Each function takes the generator of the cell, one that starts alike for all cells of an image, the patch and outline
of the cell, and a texture; and returns the thickness on the patch, float32, (h, w).
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from napari_sam2.synthetic.fields import Tile
from napari_sam2.synthetic.records import FloatArray
from napari_sam2.synthetic.shapes import Outline, Patch, ramp

__all__ = ["Body", "ball", "flat_body", "ringed_body", "spread_body"]

Body: TypeAlias = Callable[
    [np.random.Generator, np.random.Generator, Patch, Outline, Tile], FloatArray
]


def spread_body(
    rng: np.random.Generator,
    shared: np.random.Generator,
    patch: Patch,
    outline: Outline,
    tile: Tile,
) -> FloatArray:
    """Optical thickness of a flat cell: thin border, thicker middle, nucleus, granules."""
    width = min(outline.radii)
    # as thick as the medium allows: many cells are no darker than the ground, some are brighter
    level = rng.choice([rng.uniform(0.2, 0.6), rng.uniform(-0.1, 0.2)])
    body = np.float32(level) * ramp(patch.depth, rng.uniform(0.5, 1.5))
    body += np.float32(rng.choice([0.0, rng.uniform(0.1, 0.5)])) * np.exp(
        -(((patch.depth - 1.5) / 1.2) ** 2)
    )
    body += np.float32(rng.uniform(0.1, 0.9)) * np.clip(
        1 - patch.rho * np.float32(rng.uniform(1, 1.6)), 0, 1
    )
    if rng.random() < 0.7:
        core = (
            (patch.along / (0.45 * width + 1)) ** 2 + (patch.across / (0.35 * width + 1)) ** 2
        ) - 1
        body += np.float32(rng.uniform(0.1, 0.4)) * np.exp(-((core * 2) ** 2))
    grain = tile.at(patch.across, patch.along, rng.uniform(1.5, 4), tuple(rng.uniform(0, 128, 2)))
    strength = np.float32(rng.uniform(0.03, 0.6)) * ramp(patch.depth - 1, 2.0)
    return body + strength * (
        grain if rng.random() < 0.5 else (np.abs(grain) > 1.2) * np.sign(grain)
    )


def ball(
    rng: np.random.Generator,
    shared: np.random.Generator,
    patch: Patch,
    outline: Outline,
    tile: Tile,
) -> FloatArray:
    """Optical thickness of a rounded cell: high, with a middle that turns bright again."""
    height = np.sqrt(np.clip(1 - patch.rho**2, 0, 1))
    return np.float32(rng.uniform(0.6, 2)) * np.sin(height * np.float32(rng.uniform(1.5, 5)))


def flat_body(
    rng: np.random.Generator,
    shared: np.random.Generator,
    patch: Patch,
    outline: Outline,
    tile: Tile,
) -> FloatArray:
    """Draw a large flat cell: as grey as the ground inside, a bright line along the border, granules around a nucleus."""
    width = min(outline.radii)
    grain = tile.at(patch.across, patch.along, rng.uniform(1.5, 4), tuple(rng.uniform(0, 128, 2)))
    coarse = tile.at(
        patch.across, patch.along, width * rng.uniform(0.3, 0.8), tuple(rng.uniform(0, 128, 2))
    )
    inside = ramp(patch.depth, shared.uniform(0.5, 1.5))
    body = np.float32(shared.uniform(-0.05, 0.25) + rng.normal(0, 0.05)) * inside
    line = np.exp(-(((patch.depth + 1) / np.float32(1.2 + shared.uniform(0, 0.06) * width)) ** 2))
    uneven = np.clip(1 + np.float32(0.5) * coarse, 0.2, 2)
    body -= np.float32(shared.uniform(0.1, 0.5)) * line * uneven
    # the nucleus: an oval with a thin rim and dark nucleoli; granules thin out away from it
    size = np.float32(rng.uniform(0.35, 0.55) * width + 1)
    far = np.hypot(patch.along / np.float32(rng.uniform(1, 1.5)), patch.across) / size
    body += np.float32(rng.uniform(0.05, 0.3)) * np.exp(-(((far - 1) * size / 1.5) ** 2)) * inside
    around = np.exp(-np.maximum(far - 1, 0) / np.float32(rng.uniform(0.5, 1.5)))
    around *= ramp(patch.depth - 2, 2.0) * np.where(far < 1, np.float32(0.25), np.float32(1))
    specks = (np.abs(grain) > rng.uniform(0.9, 1.6)) * np.sign(grain - np.float32(0.3))
    body += np.float32(rng.uniform(0.1, 0.6)) * around * specks
    body += np.float32(shared.uniform(0.01, 0.1)) * grain * inside
    for _ in range(int(rng.integers(0, 4))):
        along, across = rng.uniform(-0.5, 0.5, 2) * size
        apart = (patch.along - np.float32(along)) ** 2 + (patch.across - np.float32(across)) ** 2
        body += np.float32(rng.uniform(0.2, 0.6)) * np.exp(-apart / (0.2 * size) ** 2)
    return np.asarray(body, np.float32)


def ringed_body(
    rng: np.random.Generator,
    shared: np.random.Generator,
    patch: Patch,
    outline: Outline,
    tile: Tile,
) -> FloatArray:
    """Draw a small bright cell with a dark middle; the border lies at the foot of the bright ring."""
    ring = np.float32(shared.uniform(0.55, 0.85))
    width = np.float32(shared.uniform(0.15, 0.3))
    towards = np.cos(np.arctan2(patch.across, patch.along) - np.float32(rng.uniform(-np.pi, np.pi)))
    uneven = np.clip(1 + np.float32(rng.uniform(0, 1.0)) * towards, 0.1, 2)
    light = np.float32(shared.uniform(0.5, 1.2) * np.exp(rng.normal(0, 0.4))) * uneven
    body = -light * np.exp(-(((patch.rho - ring) / width) ** 2))
    core = np.exp(-((patch.rho / np.float32(rng.uniform(0.25, 0.45))) ** 2))
    body += np.float32(rng.choice([rng.uniform(0.4, 1.0), rng.uniform(-0.5, 0.3)])) * core
    if min(outline.radii) > 6:
        grain = tile.at(patch.across, patch.along, 2.0, tuple(rng.uniform(0, 128, 2)))
        body += np.float32(rng.uniform(0, 0.3)) * grain * ramp(patch.depth - 1, 2.0)
    return np.asarray(body, np.float32)
