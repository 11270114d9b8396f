"""Stacks and time-lapses to show and to test with: tame, whole, uint16."""

from dataclasses import replace
from functools import partial

import numpy as np

from napari_sam2.synthetic.culture import draw_culture
from napari_sam2.synthetic.movies import (
    Film,
    film_moments,
    film_sections,
    find_parents,
    settle,
    shoot,
)
from napari_sam2.synthetic.nuclei import draw_nuclei
from napari_sam2.synthetic.optics import Camera
from napari_sam2.synthetic.planes import DRAWERS, check_kind, check_side
from napari_sam2.synthetic.records import Movie, Seed
from napari_sam2.synthetic.scene import Drawer

__all__ = ["draw_stack", "draw_timelapse"]

STACK_STEP = 2.2  # distance of slices in pixels


def draw_stack(
    seed: Seed, shape: tuple[int, int, int] = (24, 128, 128), kind: str = "nuclei"
) -> Movie:
    """Draw a z-stack: bodies cut by slices 2.2 pixels apart, blurred along the axis.

    Parameters
    ----------
    seed : int, tuple of int or numpy.random.Generator
        The same seed and arguments give the same stack.
    shape : tuple of int
        (frame, y, x).
    kind : str
        One of `KINDS`.

    Returns
    -------
    Movie
        uint16 image, (frame, y, x) or, for histology, (frame, y, x, 3); ids persist from slice to slice.

    Raises
    ------
    ValueError
        If the kind is unknown or the shape too small.
    """
    rng = np.random.default_rng(seed)
    check_shape(shape)
    film = film_sections(rng, shape[0], STACK_STEP, axial=0.7, fading=0.3)
    return develop(rng, film, shape, kind)


def draw_timelapse(
    seed: Seed, shape: tuple[int, int, int] = (20, 128, 128), kind: str = "nuclei"
) -> Movie:
    """Draw a time-lapse: nuclei that wander, grow and divide.

    Parameters
    ----------
    seed : int, tuple of int or numpy.random.Generator
        The same seed and arguments give the same time-lapse.
    shape : tuple of int
        (frame, y, x).
    kind : str
        One of `KINDS`.

    Returns
    -------
    Movie
        uint16 image, (frame, y, x) or, for histology, (frame, y, x, 3). Ids persist; at a division the parent's id
        ends, both daughters have new ids, and `parents` says whose they are.

    Raises
    ------
    ValueError
        If the kind is unknown or the shape too small.
    """
    rng = np.random.default_rng(seed)
    check_shape(shape)
    film = film_moments(
        rng, shape[0], dividing=0.0 if kind in ("walls", "em") else 0.4, speed=0.08, drift=0.2
    )
    return develop(rng, film, shape, kind)


def check_shape(shape: tuple[int, int, int]) -> None:
    """Refuse a shape without frames or with planes that are too small."""
    if len(shape) != 3 or shape[0] < 1:
        raise ValueError(
            f"shape {tuple(shape)} is not a stack; give (frame, y, x) with 1 frame or more."
        )
    check_side(min(shape[1:]))


def develop(rng: np.random.Generator, film: Film, shape: tuple[int, int, int], kind: str) -> Movie:
    """Shoot a film, cut it to its shape and turn it into camera counts."""
    check_kind(kind)
    side = max(shape[1:])
    image, labels = shoot(rng, choose_drawer(rng, kind, side), film, side)
    labels, renamed = settle(labels[:, : shape[1], : shape[2]])
    counts = np.round(100 + 4000 * image[:, : shape[1], : shape[2]]).astype(np.uint16)
    return Movie(counts, labels, kind, find_parents(renamed, film))


def choose_drawer(rng: np.random.Generator, kind: str, side: int) -> Drawer:
    """Choose the drawer of a kind; for nuclei one with a culture and a camera that please the eye."""
    if kind != "nuclei":
        return DRAWERS[kind][0]
    diameter = float(np.clip(side / 6, 14, 30))
    culture = replace(
        draw_culture(rng, side, diameter),
        diameter_spread=0.12,
        count=int(np.clip(0.45 * side**2 / diameter**2, 3, 80)),
        spacing=1.05,
        clustering=0.3,
        aspect=1.2,
        common_angle=None,
        wobble=0.04,
        brightness_spread=0.25,
        dim_share=0.05,
        condensed_share=0.0,
        edge=1.2,
        dome=0.4,
        chromatin=0.12,
        chromatin_size=0.25,
        spots=2.5,
        bright_spots=False,
        rim=0.0,
    )
    camera = Camera(sigma=0.8, photons=120.0, read_noise=0.02, low=0.0, high=100.0)
    return partial(draw_nuclei, culture=culture, camera=camera)
