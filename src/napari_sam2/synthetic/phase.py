"""Phase contrast: grey cells on grey ground, with dark bodies, bright halos and shade-off."""

from dataclasses import replace

import numpy as np

from napari_sam2.synthetic.fields import Tile, blur, draw_tile, fractal, smooth_noise
from napari_sam2.synthetic.optics import Camera
from napari_sam2.synthetic.placing import claim, draw_diameter
from napari_sam2.synthetic.records import FloatArray
from napari_sam2.synthetic.scene import Scene
from napari_sam2.synthetic.shapes import Outline, Patch, armed_profile, ramp, wavy_profile
from napari_sam2.synthetic.stage import Stage

__all__ = ["draw_cell_outline", "draw_phase"]


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
    diameter = draw_diameter(rng, side, 14)
    count = int(np.clip(rng.uniform(0.05, 0.7) * side**2 / diameter**2, 2, 40))
    radii = (
        diameter / 2 * np.clip(1 + rng.uniform(0.1, 0.35) * rng.standard_normal(count), 0.4, 1.8)
    ).astype(np.float32)
    spindle, arms, round_share = (
        rng.choice([0.0, 0.3, 0.8]),
        rng.choice([0.0, 0.4, 0.9]),
        rng.choice([0.0, 0.1, 0.4]),
    )
    tile = draw_tile(rng, stage.layer, stage.layers, stage.layer_scale)
    spots = stage.scatter(rng, side, radii, rng.uniform(0.85, 1.3), 0.4)
    rounded = rng.random(len(spots)) < round_share
    outlines = [
        draw_cell_outline(rng, (float(y), float(x)), float(radius), spindle, arms, float(z))
        for y, x, radius, z in spots
    ]
    for index in np.flatnonzero(rounded):
        outlines[index] = replace(
            outlines[index], radii=(0.55 * spots[index, 2],) * 2, profile=wavy_profile(rng, 0.03)
        )
    seeds = rng.integers(2**32, size=len(spots))
    labels = np.zeros(shape, np.int32)
    thickness = np.zeros(shape, np.float32)
    for take, patch in stage.seen(outlines, side):
        own = np.random.default_rng(seeds[take.index])
        mine = claim(labels, patch, take.object_id)
        body = (
            ball(own, patch) if rounded[take.index] else spread_body(own, patch, take.outline, tile)
        )
        thickness[patch.window] += body * (mine | (labels[patch.window] == 0))
    light = interfere(rng, thickness, diameter)
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


def spread_body(rng: np.random.Generator, patch: Patch, outline: Outline, tile: Tile) -> FloatArray:
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


def ball(rng: np.random.Generator, patch: Patch) -> FloatArray:
    """Optical thickness of a rounded cell: high, with a middle that turns bright again."""
    height = np.sqrt(np.clip(1 - patch.rho**2, 0, 1))
    return np.float32(rng.uniform(0.6, 2)) * np.sin(height * np.float32(rng.uniform(1.5, 5)))


def interfere(rng: np.random.Generator, thickness: FloatArray, diameter: float) -> FloatArray:
    """Phase contrast of a thickness: less light where thick, a halo around, uneven ground, debris."""
    shape = thickness.shape
    ground = thickness + np.float32(rng.uniform(0, 0.05)) * fractal(rng, shape, rng.uniform(4, 20))
    for _ in range(rng.poisson(rng.choice([0.0, 3.0, 15.0]))):
        y, x = rng.integers(2, shape[0] - 2, 2)
        size = rng.integers(1, 3)
        ground[y - size : y + size, x - size : x + size] += np.float32(rng.uniform(0.2, 0.8))
    halo = blur(ground, max(1.5, diameter * rng.uniform(0.06, 0.25)))
    wide = blur(ground, diameter * rng.uniform(0.25, 0.6))
    shade_off = rng.uniform(0.3, 0.95)
    contrast = (
        ground - np.float32(shade_off) * halo - np.float32(rng.uniform(0, 1.0 - shade_off)) * wide
    )
    if rng.random() < 0.15:  # light from one side, as in differential interference contrast
        shift = int(rng.integers(1, 3))
        contrast = 0.4 * contrast + ground - np.roll(ground, shift, axis=int(rng.integers(0, 2)))
    light = 1 - np.float32(rng.uniform(0.4, 0.9)) * contrast
    light += np.float32(rng.uniform(0, 0.12)) * smooth_noise(
        rng, shape, shape[0] * rng.uniform(0.3, 0.8)
    )
    return np.asarray(np.maximum(light, 0), np.float32)
