"""One plane of any kind."""

from collections.abc import Mapping

import numpy as np

from napari_sam2.synthetic.brightfield import draw_brightfield
from napari_sam2.synthetic.cells import draw_cells, draw_shapes
from napari_sam2.synthetic.em import draw_em
from napari_sam2.synthetic.histology import draw_histology
from napari_sam2.synthetic.nuclei import draw_nuclei
from napari_sam2.synthetic.optics import expose, stretch
from napari_sam2.synthetic.phase import draw_phase
from napari_sam2.synthetic.placing import tidy
from napari_sam2.synthetic.records import Sample, Seed
from napari_sam2.synthetic.scene import Drawer
from napari_sam2.synthetic.stage import Stage
from napari_sam2.synthetic.walls import draw_walls

__all__ = ["DRAWERS", "KINDS", "check_kind", "check_side", "draw_plane", "pick_kind"]

# the drawer of each kind, and how often it is picked
DRAWERS: Mapping[str, tuple[Drawer, float]] = {
    "nuclei": (draw_nuclei, 0.3),
    "brightfield": (draw_brightfield, 0.11),
    "walls": (draw_walls, 0.12),
    "phase": (draw_phase, 0.17),
    "histology": (draw_histology, 0.11),
    "em": (draw_em, 0.14),
    "cells": (draw_cells, 0.03),
    "shapes": (draw_shapes, 0.02),
}
KINDS = tuple(DRAWERS)


def pick_kind(rng: np.random.Generator) -> str:
    """Pick a kind at random; three in ten are fluorescent nuclei."""
    weights = np.array([weight for _, weight in DRAWERS.values()])
    return KINDS[rng.choice(len(KINDS), p=weights / weights.sum())]


def check_side(side: int) -> None:
    """Refuse a plane that is too small."""
    if side < 32:
        raise ValueError(f"side {side} is too small to draw on; use 32 pixels or more.")


def check_kind(kind: str | None) -> None:
    """Refuse a kind that is not drawn."""
    if kind is not None and kind not in DRAWERS:
        raise ValueError(
            f"kind {kind!r} is not known; use one of {', '.join(KINDS)}, or leave it out."
        )


def draw_plane(seed: Seed, side: int = 256, kind: str | None = None) -> Sample:
    """Draw one plane with its truth.

    Parameters
    ----------
    seed : int, tuple of int or numpy.random.Generator
        The same seed, side and kind give the same plane.
    side : int
        Height and width in pixels, 32 or more.
    kind : str, optional
        One of `KINDS`; picked at random if left out, three in ten are fluorescent nuclei.

    Returns
    -------
    Sample
        Image in 0..1 and labels; objects under 12 visible pixels are left out of the labels.

    Raises
    ------
    ValueError
        If the kind is unknown or the side too small.
    """
    check_side(side)
    check_kind(kind)
    rng = np.random.default_rng(seed)
    chosen = kind or pick_kind(rng)
    scene = DRAWERS[chosen][0](rng, side, Stage(rng))
    image = stretch(expose(rng, scene.light, scene.camera), scene.camera)
    return Sample(image, tidy(scene.labels), chosen)
