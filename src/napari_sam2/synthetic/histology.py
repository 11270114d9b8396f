"""Histology in colour: purple nuclei, crowded and clumped, on pink tissue or on pale ground."""

from dataclasses import replace

import numpy as np

from napari_sam2.synthetic.culture import Culture, draw_culture
from napari_sam2.synthetic.fields import blur, fractal, smooth_noise
from napari_sam2.synthetic.optics import Camera
from napari_sam2.synthetic.records import FloatArray
from napari_sam2.synthetic.scene import Scene
from napari_sam2.synthetic.shapes import Outline, ramp, rasterise, wavy_profile
from napari_sam2.synthetic.stage import Stage
from napari_sam2.synthetic.stained import stain_cytoplasm, stain_nuclei, typical_diameter

__all__ = ["draw_histology"]


def draw_histology(rng: np.random.Generator, side: int, stage: Stage) -> Scene:
    """Draw purple nuclei on pink tissue, in colour; see `napari_sam2.synthetic.draw_plane`."""
    culture = draw_tissue(rng, side) if rng.random() < 0.7 else draw_culture(rng, side)
    stain, labels, outlines = stain_nuclei(rng, side, stage, culture)
    diameter = typical_diameter(outlines)
    pale = rng.random() < 0.45
    tissue = stain_tissue(rng, side, diameter) * np.float32(rng.uniform(0.1, 0.4) if pale else 1)
    if rng.random() < (0.1 if pale else 0.4):
        tissue += stain_cytoplasm(rng, side, stage, outlines)
    nuclear = np.float32(rng.uniform(0.6, 1.8)) * np.minimum(stain, 1.6)
    nuclear += stain_out_of_focus(rng, side, diameter)
    if rng.random() < 0.5:
        nuclear += np.float32(rng.uniform(0.02, 0.25) * (0.3 if pale else 1)) * np.maximum(
            fractal(rng, stain.shape, diameter * 0.4), 0
        )
    purple, pink, tint = draw_dyes(rng)
    # per stain: amount (y, x) times absorption (channel) -> (y, x, channel)
    density = nuclear[..., None] * purple + tissue[..., None] * pink
    light = tint * np.exp(-density)
    if rng.random() < (0.7 if pale else 0.2):
        light *= refract(rng, side, diameter)[..., None]
    camera = Camera(
        sigma=min(rng.gamma(1.5, 0.5), diameter / 10),
        photons=10 ** rng.uniform(2.3, 4),
        read_noise=0.004,
        grain=rng.choice([0.0, 0.6]),
        gamma=rng.uniform(0.7, 1.3),
        fixed=True,
    )
    return Scene(light, labels, camera, glowing=False)


def draw_tissue(rng: np.random.Generator, side: int) -> Culture:
    """Choose nuclei as they lie in tissue: in heaps, uneven, clumped inside, with a dark rim."""
    culture = draw_culture(rng, side)
    return replace(
        culture,
        diameter_spread=rng.uniform(0.15, 0.4),
        count=int(np.clip(rng.uniform(0.2, 0.9) * side**2 / culture.diameter**2, 6, 60)),
        spacing=rng.uniform(0.85, 1.05),
        clustering=rng.choice([0.4, 0.8, 0.95]),
        aspect=1 + rng.gamma(2.0, 0.3),
        wobble=rng.choice([0.05, 0.1, 0.18]),
        brightness_spread=rng.uniform(0.1, 0.4),
        dim_share=rng.choice([0.0, 0.1]),
        condensed_share=rng.choice([0.0, 0.1, 0.25]),
        edge=rng.uniform(0.4, 1.5),
        dome=rng.choice([0.0, 0.2]),
        chromatin=rng.uniform(0.1, 0.5),
        chromatin_size=rng.uniform(0.12, 0.5),
        spots=rng.choice([0.0, 2.0, 4.0]),
        rim=rng.choice([0.0, 0.3, 0.6]),
        foot=rng.uniform(-0.25, 0.1),  # drawn closely around the dark part
    )


def draw_dyes(rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Choose the absorption of the dye of nuclei and of that of tissue, and the colour of the lamp; (3,) each."""
    purple = np.array([0.65, 0.85, 0.35]) * rng.uniform(0.7, 1.3, 3)
    if rng.random() < 0.4:
        purple = np.array([0.5, 1.2, 0.3]) * rng.uniform(0.7, 1.3, 3)
    pink = np.array([0.1, 0.7, 0.35]) * rng.uniform(0.6, 1.4, 3)
    if rng.random() < 0.3:
        pink = np.array([0.3, 0.35, 0.3]) * rng.uniform(0.7, 1.3, 3)
    tint = rng.uniform(0.8, 1.0, 3)
    return purple.astype(np.float32), pink.astype(np.float32), tint.astype(np.float32)


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


def stain_out_of_focus(rng: np.random.Generator, side: int, diameter: float) -> FloatArray:
    """Faint nuclei above or below the plane of focus: nobody outlines them."""
    amount = np.zeros((side, side), np.float32)
    for _ in range(rng.poisson(rng.choice([0.0, 2.0, 6.0]))):
        radius = diameter / 2 * rng.uniform(0.5, 1.2)
        outline = Outline(
            (rng.uniform(0, side), rng.uniform(0, side)),
            (radius * rng.uniform(1, 2), radius),
            rng.uniform(0, np.pi),
            wavy_profile(rng, 0.1),
        )
        patch = rasterise(outline, amount.shape)
        if patch is not None:
            body = np.float32(rng.uniform(0.2, 0.5)) * ramp(patch.depth, 1.0)
            amount[patch.window] = np.maximum(amount[patch.window], body)
    return blur(amount, diameter * rng.uniform(0.12, 0.25))


def refract(rng: np.random.Generator, side: int, diameter: float) -> FloatArray:
    """Fibres without colour that bend light: bright on one side, dark on the other."""
    scale = (diameter * rng.uniform(0.3, 1), diameter * rng.uniform(1, 4))
    height = smooth_noise(rng, (side, side), scale if rng.random() < 0.5 else scale[::-1])
    ridges = np.exp(-((height * np.float32(rng.uniform(2, 6))) ** 2))
    slope = np.gradient(ridges, axis=int(rng.integers(0, 2)))
    return np.asarray(1 + np.float32(rng.uniform(0.1, 0.6)) * slope, np.float32)
