"""Stacks and time-lapses: one scene on many stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from napari_sam2.synthetic.fields import blur
from napari_sam2.synthetic.motion import Moment, daughters
from napari_sam2.synthetic.optics import expose, stretch
from napari_sam2.synthetic.placing import MIN_PIXELS
from napari_sam2.synthetic.planes import DRAWERS, check_kind, check_side, pick_kind
from napari_sam2.synthetic.records import FloatArray, LabelArray, Movie, Seed
from napari_sam2.synthetic.scene import Drawer
from napari_sam2.synthetic.stage import Section, Stage

__all__ = ["Film", "draw_clip", "film_moments", "film_sections", "find_parents", "settle", "shoot"]

_MARGIN = 16  # pixels drawn around a time-lapse, from which objects enter


@dataclass(frozen=True, slots=True)
class Film:
    """Stages of a movie, and how they are put together.

    Parameters
    ----------
    stages : sequence of Stage
        `reach` before the first frame, the frames, `reach` after the last one.
    reach : int
        How many planes above and below are seen out of focus.
    axial : float
        Standard deviation of the blur along the axis, in frames.
    margin : int
        Pixels that are drawn around the frames.
    """

    stages: Sequence[Stage]
    reach: int = 0
    axial: float = 0.0
    margin: int = 0


def film_sections(
    rng: np.random.Generator, n_frames: int, step: float, axial: float, *, fading: float = 0.0
) -> Film:
    """Film a stack from its first to its last slice.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n_frames : int
        Number of slices.
    step : float
        Distance of slices in pixels.
    axial : float
        Standard deviation of the blur along the axis, in frames; 0 for none.
    fading : float
        Loss of light from the first to the last slice.

    Returns
    -------
    Film
    """
    seed = int(rng.integers(2**62))
    reach = int(np.ceil(1.5 * axial))
    depth = (n_frames / 2 + reach) * step
    total = n_frames + 2 * reach
    stages = [
        Section(
            noise=np.random.default_rng((seed, 1, frame)),
            layer=frame,
            layers=total,
            layer_scale=max(1.5, 6 / step),
            z=(frame - (total - 1) / 2) * step,
            depth=depth,
            seed=seed,
            fading=fading,
        )
        for frame in range(total)
    ]
    return Film(stages, reach, axial)


def film_moments(
    rng: np.random.Generator, n_frames: int, *, dividing: float, speed: float, drift: float
) -> Film:
    """Film a time-lapse.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n_frames : int
        Number of moments.
    dividing : float
        Share of objects that divide.
    speed : float
        Typical step of objects between frames, in radii.
    drift : float
        Typical step of the whole sample, in pixels.

    Returns
    -------
    Film
    """
    seed = int(rng.integers(2**62))
    drift_y, drift_x = rng.normal(0, drift, 2)
    growth, restless = rng.uniform(0, 0.06), rng.uniform(0.1, 0.8)
    flicker = rng.choice([0.0, 0.05, 0.2])
    stages = [
        Moment(
            noise=np.random.default_rng((seed, 1, frame)),
            layer=frame,
            layers=n_frames,
            layer_scale=6.0,
            seed=seed,
            frame=frame,
            n_frames=n_frames,
            speed=speed,
            drift=(drift_y, drift_x),
            growth=growth,
            restless=restless,
            dividing=dividing,
            flicker=flicker,
        )
        for frame in range(n_frames)
    ]
    return Film(stages, margin=_MARGIN)


def shoot(
    rng: np.random.Generator, drawer: Drawer, film: Film, side: int
) -> tuple[FloatArray, LabelArray]:
    """Draw all frames of a film.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    drawer : callable
        Draws one frame.
    film : Film
        The stages.
    side : int
        Side of the frames.

    Returns
    -------
    image : ndarray of float32, (frame, y, x) or (frame, y, x, 3)
        In 0..1.
    labels : ndarray of int32, (frame, y, x)
        Ids as the stages gave them.
    """
    seed = int(rng.integers(2**62))
    scenes = [
        drawer(np.random.default_rng(seed), side + 2 * film.margin, stage) for stage in film.stages
    ]
    inner = slice(film.margin, film.margin + side)
    lights = np.stack([scene.light[inner, inner] for scene in scenes])
    labels = np.stack([scene.labels[inner, inner] for scene in scenes])
    frames = slice(film.reach, len(scenes) - film.reach)
    if film.axial and scenes[0].glowing:
        lights = defocus(lights, film)
    else:
        lights = lights[frames]
    shots = [
        expose(stage.noise, light, scenes[0].camera)
        for stage, light in zip(film.stages[frames], lights, strict=True)
    ]
    return stretch(np.stack(shots), scenes[0].camera), labels[frames]


def defocus(lights: FloatArray, film: Film) -> FloatArray:
    """Add to each frame the blurred light of the planes above and below; (planes, y, x) -> (frame, y, x)."""
    n_frames = len(lights) - 2 * film.reach
    total = np.zeros((n_frames, *lights.shape[1:]), np.float32)
    weights = np.exp(-0.5 * (np.arange(-film.reach, film.reach + 1) / film.axial) ** 2)
    for offset, weight in enumerate(weights / weights.sum()):
        away = abs(offset - film.reach)
        for frame in range(n_frames):
            total[frame] += np.float32(weight) * blur(lights[frame + offset], 0.8 * away)
    return total


def settle(labels: LabelArray) -> tuple[LabelArray, Mapping[int, int]]:
    """Drop what is under `MIN_PIXELS` on a frame, number ids from 1 without gaps over all frames.

    Returns
    -------
    labels : ndarray of int32, (frame, y, x)
        The new ids.
    renamed : mapping of int to int
        Old id to new id.
    """
    top = int(labels.max()) + 1
    counts = np.stack([np.bincount(frame.ravel(), minlength=top) for frame in labels])
    counts[:, 0] = 0
    kept = counts >= MIN_PIXELS
    present = kept.any(axis=0)
    ids = np.cumsum(present, dtype=np.int32) * present
    tables = np.where(kept, ids, 0).astype(np.int32)
    renamed = {int(old): int(ids[old]) for old in np.flatnonzero(present)}
    return np.stack([table[frame] for table, frame in zip(tables, labels, strict=True)]), renamed


def find_parents(renamed: Mapping[int, int], film: Film) -> dict[int, int]:
    """Daughter to parent, in new ids, where both are seen."""
    if not any(isinstance(stage, Moment) and stage.dividing for stage in film.stages):
        return {}
    pairs = ((child, old) for old in renamed for child in daughters(old))
    return {renamed[child]: renamed[old] for child, old in pairs if child in renamed}


def draw_clip(seed: Seed, n_frames: int = 4, side: int = 128, kind: str | None = None) -> Movie:
    """Draw a short piece of a stack or of a time-lapse, for training the memory.

    Two in three are stacks, but for phase contrast, which is always a time-lapse. Of the objects on the first of six
    frames about a third are gone on the last.

    Parameters
    ----------
    seed : int, tuple of int or numpy.random.Generator
        The same seed and arguments give the same clip.
    n_frames : int
        Number of frames, 1 or more.
    side : int
        Height and width in pixels, 32 or more.
    kind : str, optional
        One of `KINDS`; picked at random if left out.

    Returns
    -------
    Movie
        float32 images in 0..1. Ids persist from frame to frame; an object may appear, vanish, or divide: then its id
        ends, and both daughters have new ids.

    Raises
    ------
    ValueError
        If the kind is unknown, the side too small, or there are no frames.
    """
    check_side(side)
    check_kind(kind)
    if n_frames < 1:
        raise ValueError(f"a clip of {n_frames} frames is empty; use 1 frame or more.")
    rng = np.random.default_rng(seed)
    chosen = kind or pick_kind(rng)
    film = choose_film(rng, n_frames, chosen)
    image, labels = shoot(rng, DRAWERS[chosen][0], film, side)
    labels, renamed = settle(labels)
    return Movie(image, labels, chosen, find_parents(renamed, film))


def choose_film(rng: np.random.Generator, n_frames: int, kind: str) -> Film:
    """Choose between slices and moments, and how fast the picture changes."""
    if kind != "phase" and rng.random() < 0.65:
        axial, fading = rng.choice([0.0, 0.6, 1.0]), rng.choice([0.0, 0.5])
        return film_sections(rng, n_frames, 2 ** rng.uniform(-0.5, 2), axial, fading=fading)
    dividing = 0.0 if kind in ("walls", "em") else rng.choice([0.0, 0.15])
    speed, drift = rng.choice([0.03, 0.1, 0.3]), rng.choice([0.0, 0.5, 2.0])
    return film_moments(rng, n_frames, dividing=dividing, speed=speed, drift=drift)
