"""Spread cells with bright cytoplasm, and objects of no particular kind."""

import numpy as np

from napari_sam2.synthetic.background import draw_background
from napari_sam2.synthetic.fields import Tile, blur, draw_tile, fractal
from napari_sam2.synthetic.optics import draw_camera
from napari_sam2.synthetic.phase import draw_cell_outline
from napari_sam2.synthetic.placing import claim, draw_diameter
from napari_sam2.synthetic.records import FloatArray
from napari_sam2.synthetic.scene import Scene
from napari_sam2.synthetic.shapes import Outline, Patch, armed_profile, ramp, wavy_profile
from napari_sam2.synthetic.stage import Stage

__all__ = ["draw_cells", "draw_shapes"]


def scatter(
    rng: np.random.Generator, side: int, stage: Stage, smallest: float
) -> tuple[FloatArray, float]:
    """Places of objects of one image, (n, 4): y, x, radius and z; and their typical diameter."""
    diameter = draw_diameter(rng, side, smallest)
    count = int(np.clip(rng.uniform(0.1, 1.0) * side**2 / diameter**2, 2, 40))
    radii = (
        diameter / 2 * np.clip(1 + rng.uniform(0.05, 0.4) * rng.standard_normal(count), 0.4, 1.8)
    )
    spacing, clustering = rng.uniform(0.85, 1.3), rng.choice([0.0, 0.4, 0.8])
    return stage.scatter(rng, side, radii.astype(np.float32), spacing, clustering), diameter


def draw_cells(rng: np.random.Generator, side: int, stage: Stage) -> Scene:
    """Draw fluorescent cell bodies; see `napari_sam2.synthetic.draw_plane`."""
    spots, diameter = scatter(rng, side, stage, 14)
    tile = draw_tile(rng, stage.layer, stage.layers, stage.layer_scale)
    spindle, arms = rng.choice([0.0, 0.3, 0.8]), rng.choice([0.0, 0.3, 0.8])
    nucleus, membrane = rng.choice([-0.8, -0.4, 0.0, 0.8, 2.0]), rng.choice([0.0, 0.0, 1.0, 4.0])
    outlines = [
        draw_cell_outline(rng, (float(y), float(x)), float(r), spindle, arms, float(z))
        for y, x, r, z in spots
    ]
    seeds = rng.integers(2**32, size=len(outlines))
    labels = np.zeros((side, side), np.int32)
    light = np.zeros((side, side), np.float32)
    for take, patch in stage.seen(outlines, side, margin=4):
        own = np.random.default_rng(seeds[take.index])
        mine = claim(labels, patch, take.object_id)
        cell = np.float32(take.gain) * light_cell(own, patch, take.outline, tile, nucleus, membrane)
        view = light[patch.window]
        view[...] = np.where(mine | (view == 0), cell, view)
    light = (
        light
        + np.float32(rng.uniform(0, 0.3)) * blur(light, diameter * 0.4)
        + draw_background(rng, side)
    )
    return Scene(light, labels, draw_camera(rng, diameter))


def light_cell(
    rng: np.random.Generator,
    patch: Patch,
    outline: Outline,
    tile: Tile,
    nucleus: float,
    membrane: float,
) -> FloatArray:
    """Light of one cell: cytoplasm that fades outwards, membrane, darker or brighter nucleus."""
    light = 1 - np.float32(rng.uniform(0, 0.8)) * np.clip(patch.rho, 0, 1)
    grain = tile.at(
        patch.across,
        patch.along * np.float32(0.5),
        rng.uniform(1.5, 8),
        tuple(rng.uniform(0, 128, 2)),
    )
    light *= 1 + np.float32(rng.uniform(0.05, 0.35)) * grain
    light += np.float32(membrane) * np.exp(-np.abs(patch.depth) / np.float32(1.5))
    if nucleus:
        core = ramp(
            0.45 * min(outline.radii) - np.hypot(patch.along * np.float32(0.8), patch.across), 1.5
        )
        light *= 1 + np.float32(nucleus) * core
    brightness = np.float32(np.exp(rng.normal(0, 0.4)))
    return np.asarray(np.maximum(light, 0.05) * ramp(patch.depth, 1.0) * brightness, np.float32)


def draw_shapes(rng: np.random.Generator, side: int, stage: Stage) -> Scene:
    """Draw shapes brighter or darker than a textured ground, or told from it by texture or rim alone."""
    spots, diameter = scatter(rng, side, stage, 9)
    shape = (side, side)
    roughness, scale = rng.uniform(0, 0.15), diameter * rng.uniform(0.1, 2)
    ground = np.float32(rng.uniform(0.2, 0.8)) + np.float32(roughness) * fractal(
        rng, shape, scale, octaves=4, fade=0.7
    )
    tile = draw_tile(rng, stage.layer, stage.layers, stage.layer_scale)
    sign, rim, filling = (
        rng.choice([-1.0, 1.0, 0.0]),
        rng.choice([0.0, 0.0, 0.5, -0.5]),
        rng.choice([0.3, 0.6, 1.0, 1.0]),
    )
    outlines = [draw_shape(rng, (float(y), float(x)), float(r), float(z)) for y, x, r, z in spots]
    seeds = rng.integers(2**32, size=len(outlines))
    labels = np.zeros(shape, np.int32)
    for take, patch in stage.seen(outlines, side):
        own = np.random.default_rng(seeds[take.index])
        mine = claim(labels, patch, take.object_id)
        step = take.gain * (sign or own.choice([-1.0, 1.0])) * own.uniform(0.15 + roughness, 0.6)
        grain = tile.at(
            patch.across, patch.along, own.uniform(1.5, 6), tuple(own.uniform(0, 128, 2))
        )
        inner = np.float32(filling * step) + np.float32(own.uniform(0, 0.15)) * grain
        inner += np.float32(rim * np.sign(step)) * np.exp(-((patch.depth / 1.5) ** 2))
        view = ground[patch.window]
        view += (
            inner * ramp(patch.depth, own.uniform(0.4, 2)) * (mine | (labels[patch.window] == 0))
        )
    camera = draw_camera(rng, diameter, photons=(1.6, 3.5), inverted=0.3)
    return Scene(np.maximum(ground, 0), labels, camera, glowing=False)


def draw_shape(
    rng: np.random.Generator, centre: tuple[float, float], radius: float, z: float
) -> Outline:
    """Draw an ellipse, a blob, a rod or a star."""
    aspect = np.sqrt(rng.uniform(1, 3))
    profile = (
        wavy_profile(rng, rng.choice([0.0, 0.05, 0.15]))
        if rng.random() < 0.7
        else armed_profile(rng, int(rng.integers(3, 7)), rng.uniform(0.2, 0.8), 0.05)
    )
    bend = rng.normal(0, 0.3) if rng.random() < 0.3 else 0.0
    return Outline(
        centre, (radius * aspect, radius / aspect), rng.uniform(0, np.pi), profile, bend, z
    )
