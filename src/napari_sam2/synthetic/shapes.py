"""Outlines of single objects, drawn in a small window of the plane."""

from dataclasses import dataclass

import numpy as np

from napari_sam2.synthetic.records import FloatArray

__all__ = ["Outline", "Patch", "armed_profile", "ramp", "rasterise", "wavy_profile"]

DIRECTIONS = 256  # entries of a profile, once around
_ANGLES = np.linspace(-np.pi, np.pi, DIRECTIONS, endpoint=False, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Outline:
    """A closed curve: an ellipse whose radius is changed direction by direction.

    Parameters
    ----------
    centre : tuple of float
        (y, x) in pixels, may lie outside the plane.
    radii : tuple of float
        Half the length and half the width in pixels.
    angle : float
        Direction of the length, radians from the x axis towards y.
    profile : ndarray of float32, (256,)
        Factor on the radius in each direction, from -pi to pi, in the frame of the object.
    bend : float
        Curvature of the long axis: 0 straight, 0.5 a banana.
    z : float
        Depth of the middle in pixels, 0 on the middle plane of a stack.
    """

    centre: tuple[float, float]
    radii: tuple[float, float]
    angle: float
    profile: FloatArray
    bend: float = 0.0
    z: float = 0.0


@dataclass(frozen=True, slots=True)
class Patch:
    """An outline seen through its window.

    Parameters
    ----------
    window : tuple of slice
        Where the patch lies in the plane.
    depth : ndarray of float32, (h, w)
        About the distance to the outline in pixels, positive inside.
    along, across : ndarray of float32, (h, w)
        Place in the frame of the object, in pixels along its length and its width.
    rho : ndarray of float32, (h, w)
        0 in the middle, 1 on the outline.
    """

    window: tuple[slice, slice]
    depth: FloatArray
    along: FloatArray
    across: FloatArray
    rho: FloatArray


def rasterise(outline: Outline, shape: tuple[int, int], margin: float = 3.0) -> Patch | None:
    """See an outline on the pixels of a plane.

    Parameters
    ----------
    outline : Outline
        What to draw.
    shape : tuple of int
        (y, x) of the plane.
    margin : float
        Pixels around the outline that the window keeps.

    Returns
    -------
    Patch or None
        None where the outline lies outside the plane.
    """
    reach = max(outline.radii) * float(outline.profile.max()) + margin
    reach += abs(outline.bend) * outline.radii[0]
    starts = [max(0, int(c - reach)) for c in outline.centre]
    stops = [min(n, int(c + reach) + 2) for c, n in zip(outline.centre, shape, strict=True)]
    if starts[0] >= stops[0] or starts[1] >= stops[1]:
        return None
    dy = np.arange(starts[0], stops[0], dtype=np.float32)[:, None] - np.float32(outline.centre[0])
    dx = np.arange(starts[1], stops[1], dtype=np.float32) - np.float32(outline.centre[1])
    cos, sin = np.float32(np.cos(outline.angle)), np.float32(np.sin(outline.angle))
    along = dx * cos + dy * sin
    across = dy * cos - dx * sin
    length, width = (np.float32(max(r, 0.5)) for r in outline.radii)
    if outline.bend:
        across = across - np.float32(outline.bend) * (along * along / length - length / 3)
    u, v = along / length, across / width
    place = (np.arctan2(v, u) + np.float32(np.pi)) * np.float32(DIRECTIONS / (2 * np.pi))
    rim = outline.profile[(place + np.float32(0.5)).astype(np.intp) % DIRECTIONS]
    distance = np.sqrt(u * u + v * v)
    depth = (rim - distance) * min(length, width)
    return Patch(
        (slice(starts[0], stops[0]), slice(starts[1], stops[1])),
        depth,
        along,
        across,
        np.asarray(distance / rim, np.float32),
    )


def wavy_profile(rng: np.random.Generator, wobble: float, waves: int = 5) -> FloatArray:
    """Profile with smooth dents and bulges of relative height `wobble`."""
    orders = np.arange(2, 2 + waves, dtype=np.float32)
    heights = rng.standard_normal(waves, dtype=np.float32) * np.float32(wobble) / (orders - 1)
    phases = (rng.random(waves, dtype=np.float32) * np.float32(2 * np.pi))[:, None]
    waves_by_angle = np.cos(orders[:, None] * _ANGLES + phases)
    return np.asarray(np.clip(1 + heights @ waves_by_angle, 0.4, 1.8), np.float32)


def armed_profile(rng: np.random.Generator, arms: int, length: float, wobble: float) -> FloatArray:
    """Profile of a spread cell: `arms` pointed corners up to `length` times as far out as the body."""
    profile = wavy_profile(rng, wobble) * np.float32(0.8)
    first = rng.uniform(-np.pi, np.pi)
    for arm in range(arms):
        towards = first + 2 * np.pi * (arm + rng.uniform(-0.3, 0.3)) / arms
        apart = np.abs((_ANGLES - np.float32(towards) + np.pi) % (2 * np.pi) - np.pi)
        profile += np.float32(length * rng.uniform(0.3, 1)) * np.exp(
            -apart / np.float32(rng.uniform(0.1, 0.4))
        )
    return profile.astype(np.float32)


def ramp(depth: FloatArray, width: float) -> FloatArray:
    """Smooth step from 0 outside to 1 inside, one half on the outline itself."""
    t = np.clip(depth * np.float32(0.5 / max(width, 0.05)) + np.float32(0.5), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
