"""Phase contrast: grey cells on grey ground, with dark bodies, bright halos and shade-off."""

from dataclasses import dataclass, replace

import numpy as np

from napari_sam2.synthetic.fields import blur, draw_tile, fractal, smooth_noise
from napari_sam2.synthetic.optics import Camera
from napari_sam2.synthetic.phase_bodies import Body, ball, flat_body, ringed_body, spread_body
from napari_sam2.synthetic.placing import claim, draw_diameter
from napari_sam2.synthetic.records import FloatArray
from napari_sam2.synthetic.scene import Scene
from napari_sam2.synthetic.shapes import (
    Outline,
    armed_profile,
    ramp,
    rasterise,
    wavy_profile,
)
from napari_sam2.synthetic.stage import Stage

__all__ = ["draw_cell_outline", "draw_phase"]


@dataclass(frozen=True, slots=True)
class Population:
    """What the cells of one phase contrast image have in common.

    Parameters
    ----------
    body : callable
        Optical thickness of one cell that is not rounded.
    smallest, largest : float
        Range of diameters in pixels.
    density : tuple of float
        Range of the number of cells per square of their diameter.
    spindle, arms : float
        See `draw_cell_outline`.
    round_share : float
        Part of the cells, 0 to 1, that are rounded up.
    contrast : tuple of float
        Range of the light that a thickness of 1 takes away.
    """

    body: Body
    smallest: float
    largest: float
    density: tuple[float, float]
    spindle: float
    arms: float
    round_share: float
    contrast: tuple[float, float] = (0.4, 0.9)


def draw_population(rng: np.random.Generator) -> Population:
    """Choose flat cells as grey as the ground, small ringed ones, or cells darker than the ground."""
    look = rng.random()
    if look < 0.4:
        spindle, arms = rng.choice([0.1, 0.4]), rng.choice([0.3, 0.7, 1.0])
        return Population(
            flat_body, 20, 110, (0.15, 0.7), spindle, arms, rng.choice([0.0, 0.1, 0.3])
        )
    if look < 0.65:
        spindle = rng.choice([0.1, 0.4, 0.8])
        return Population(ringed_body, 7, 32, (0.02, 0.3), spindle, 0.0, 0.0, (0.8, 1.2))
    spindle, arms = rng.choice([0.0, 0.3, 0.8]), rng.choice([0.0, 0.4, 0.9])
    round_share = rng.choice([0.0, 0.1, 0.4])
    return Population(spread_body, 12, 90, (0.1, 0.7), spindle, arms, round_share)


def draw_cell_outline(
    rng: np.random.Generator,
    centre: tuple[float, float],
    radius: float,
    spindle: float,
    arms: float,
    z: float = 0.0,
) -> Outline:
    """Draw the outline of a spread cell.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    centre : tuple of float
        (y, x).
    radius : float
        Pixels; half the diameter of a disc of about the same area.
    spindle : float
        Share of long thin cells, 0 to 1.
    arms : float
        How far corners stand out, 0 for none.
    z : float
        Depth of the middle.

    Returns
    -------
    Outline
    """
    angle, bend = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.2)
    if rng.random() < spindle:
        aspect = np.sqrt(rng.uniform(2, 5))
        return Outline(
            centre,
            (radius * aspect, radius / aspect),
            angle,
            armed_profile(rng, 2, 0.4, 0.1),
            bend,
            z,
        )
    aspect = np.sqrt(rng.uniform(1, 2))
    profile = (
        armed_profile(rng, int(rng.integers(2, 6)), arms, 0.15) if arms else wavy_profile(rng, 0.12)
    )
    return Outline(centre, (radius * aspect, radius / aspect), angle, profile, bend * 0.5, z)


def draw_phase(rng: np.random.Generator, side: int, stage: Stage) -> Scene:
    """Draw phase contrast; see `napari_sam2.synthetic.draw_plane`."""
    shape = (side, side)
    population = draw_population(rng)
    diameter = draw_diameter(rng, side, population.smallest, population.largest)
    outlines, rounded = place_cells(rng, side, stage, population, diameter)
    tile = draw_tile(rng, stage.layer, stage.layers, stage.layer_scale)
    seeds = rng.integers(2**32, size=len(outlines))
    look = int(rng.integers(2**62))
    labels = np.zeros(shape, np.int32)
    thickness = np.zeros(shape, np.float32)
    halo = max(3.0, 0.15 * diameter)
    for take, patch in stage.seen(outlines, side, margin=halo):
        own = np.random.default_rng(seeds[take.index])
        mine = claim(labels, patch, take.object_id)
        draw_body = ball if rounded[take.index] else population.body
        body = draw_body(own, np.random.default_rng(look), patch, take.outline, tile)
        thickness[patch.window] += body * (mine | (labels[patch.window] == 0))
    light = interfere(rng, thickness, diameter, population.contrast)
    camera = Camera(
        sigma=rng.uniform(0.3, 1.2),
        coarseness=rng.choice([1.0, rng.uniform(1, max(1, min(2.5, diameter / 9)))]),
        photons=10 ** rng.uniform(2.5, 4),
        grain=rng.choice([0.0, 0.6]),
        low=rng.choice([0.0, 0.1, 0.5]),
        high=rng.choice([99.0, 99.8, 100.0]),
        gamma=rng.uniform(0.7, 1.3),
    )
    return Scene(light, labels, camera, glowing=False)


def place_cells(
    rng: np.random.Generator, side: int, stage: Stage, population: Population, diameter: float
) -> tuple[list[Outline], list[bool]]:
    """Outlines of the cells of an image, and which of them are rounded up."""
    count = int(np.clip(rng.uniform(*population.density) * side**2 / diameter**2, 3, 40))
    spread = rng.uniform(0.1, 0.35) * rng.standard_normal(count)
    radii = (diameter / 2 * np.clip(1 + spread, 0.4, 1.8)).astype(np.float32)
    spots = stage.scatter(rng, side, radii, rng.uniform(0.85, 1.3), 0.4)
    rounded = (rng.random(len(spots)) < population.round_share).tolist()
    outlines = []
    for (y, x, radius, z), is_round in zip(spots, rounded, strict=True):
        outline = draw_cell_outline(
            rng,
            (float(y), float(x)),
            float(radius),
            population.spindle,
            population.arms,
            float(z),
        )
        if is_round:
            size = 0.55 * float(radius)
            outline = replace(outline, radii=(size, size), profile=wavy_profile(rng, 0.03))
        outlines.append(outline)
    return outlines, rounded


def interfere(
    rng: np.random.Generator,
    thickness: FloatArray,
    diameter: float,
    contrast_range: tuple[float, float],
) -> FloatArray:
    """Phase contrast of a thickness: less light where thick, a halo around, uneven ground, debris."""
    shape = thickness.shape
    ground = thickness + np.float32(rng.uniform(0, 0.05)) * fractal(rng, shape, rng.uniform(4, 20))
    for _ in range(rng.poisson(rng.choice([0.0, 3.0, 15.0]))):
        y, x = rng.integers(2, shape[0] - 2, 2)
        size = rng.integers(1, 3)
        ground[y - size : y + size, x - size : x + size] += np.float32(rng.uniform(0.2, 0.8))
    for _ in range(rng.poisson(rng.choice([0.0, 0.0, 3.0]))):
        add_ghost(rng, ground, diameter)
    halo = blur(ground, max(1.5, diameter * rng.uniform(0.06, 0.25)))
    wide = blur(ground, diameter * rng.uniform(0.25, 0.6))
    shade_off = rng.uniform(0.3, 0.95)
    contrast = (
        ground - np.float32(shade_off) * halo - np.float32(rng.uniform(0, 1.0 - shade_off)) * wide
    )
    if rng.random() < 0.15:  # light from one side, as in differential interference contrast
        shift = int(rng.integers(1, 3))
        contrast = 0.4 * contrast + ground - np.roll(ground, shift, axis=int(rng.integers(0, 2)))
    light = 1 - np.float32(rng.uniform(*contrast_range)) * contrast
    light += np.float32(rng.uniform(0, 0.12)) * smooth_noise(
        rng, shape, shape[0] * rng.uniform(0.3, 0.8)
    )
    return np.asarray(np.maximum(light, 0), np.float32)


def add_ghost(rng: np.random.Generator, ground: FloatArray, diameter: float) -> None:
    """Draw the faint, unlabelled rim of a thing out of focus, in place."""
    side = ground.shape[0]
    centre = (rng.uniform(0, side), rng.uniform(0, side))
    radius = diameter * rng.uniform(0.5, 2)
    outline = Outline(
        centre, (radius * rng.uniform(1, 2), radius), rng.uniform(0, np.pi), wavy_profile(rng, 0.1)
    )
    patch = rasterise(outline, ground.shape, margin=6)
    if patch is None:
        return
    rim = np.exp(-((patch.depth / np.float32(rng.uniform(1.5, 3))) ** 2))
    part = ramp(patch.along + np.float32(rng.uniform(-0.5, 1) * radius), radius)
    ground[patch.window] += np.float32(rng.uniform(-0.12, 0.12)) * rim * part
