"""Fluorescent nuclei: bright on dark, textured, crowded, dim, condensed, blurred."""

import numpy as np

from napari_sam2.synthetic.background import draw_background
from napari_sam2.synthetic.culture import (
    Culture,
    Nucleus,
    draw_culture,
    draw_screen,
    populate,
    soften,
)
from napari_sam2.synthetic.fields import Tile, blur, draw_tile
from napari_sam2.synthetic.optics import Camera, draw_camera
from napari_sam2.synthetic.placing import claim
from napari_sam2.synthetic.records import FloatArray
from napari_sam2.synthetic.scene import Scene
from napari_sam2.synthetic.shapes import Outline, Patch, ramp
from napari_sam2.synthetic.stage import Stage

__all__ = ["draw_nuclei", "shade"]


def shade(patch: Patch, outline: Outline, look: Nucleus, tile: Tile) -> FloatArray:
    """Light of one nucleus.

    Parameters
    ----------
    patch : Patch
        The outline on the pixels.
    outline : Outline
        Its sizes.
    look : Nucleus
        The look.
    tile : Tile
        Texture.

    Returns
    -------
    ndarray of float32, (h, w)
    """
    light = ramp(patch.depth - np.float32(look.foot * look.edge), look.edge)
    if look.dome:
        height = np.sqrt(np.clip(1 - patch.rho**2, 0, 1))
        light *= np.float32(1 - look.dome) + np.float32(look.dome) * height
    inner = np.ones_like(light)
    if look.chromatin:
        inner += np.float32(look.chromatin) * tile.at(
            patch.across, patch.along, look.grain, look.offset
        )
    if look.rim:
        inner += np.float32(look.rim) * np.exp(-(((patch.rho - np.float32(0.88)) * 9) ** 2))
    for along, across, radius, strength in look.spots:
        size = radius * min(outline.radii)
        far = (patch.along - along * outline.radii[0]) ** 2 + (
            patch.across - across * outline.radii[1]
        ) ** 2
        inner += strength * np.exp(-((far / (size * size)) ** 2))
    return light * np.maximum(inner, np.float32(0.05)) * np.float32(look.brightness)


def draw_nuclei(
    rng: np.random.Generator,
    side: int,
    stage: Stage,
    culture: Culture | None = None,
    camera: Camera | None = None,
) -> Scene:
    """Draw fluorescent nuclei; see `napari_sam2.synthetic.draw_plane`.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness, the same for all frames of a movie.
    side : int
        Pixels.
    stage : Stage
        Which frame.
    culture : Culture, optional
        What nuclei look like; drawn if left out.
    camera : Camera, optional
        How they are photographed; drawn if left out.

    Returns
    -------
    Scene
    """
    if culture is None:
        choice = rng.random()
        culture = draw_screen(rng, side) if choice < 0.35 else draw_culture(rng, side)
        if choice > 0.7:
            culture = soften(rng, culture)
    tile = draw_tile(rng, stage.layer, stage.layers, stage.layer_scale)
    nuclei = populate(rng, side, stage, culture, culture.spacing)
    labels = np.zeros((side, side), np.int32)
    light = np.zeros((side, side), np.float32)
    summed = rng.random() < 0.5
    for take, patch in stage.seen(
        [outline for outline, _ in nuclei], side, margin=2.5 * culture.edge + 2
    ):
        claim(labels, patch, take.object_id)
        glow = np.float32(take.gain) * shade(patch, take.outline, nuclei[take.index][1], tile)
        view = light[patch.window]
        view[...] = view + glow if summed else np.maximum(view, glow)
    camera = camera or draw_camera(rng, culture.diameter)
    haze, reach = (
        rng.choice([0.0, 0.0, rng.uniform(0.05, 0.4)]),
        culture.diameter * rng.uniform(0.3, 1.0),
    )
    if haze:
        light += np.float32(haze) * blur(light, reach)
    return Scene(light + draw_background(rng, side), labels, camera)
