"""What nuclei look like: what those of one image share, and each one's own."""

from dataclasses import dataclass, replace

import numpy as np

from napari_sam2.synthetic.placing import draw_diameter
from napari_sam2.synthetic.records import FloatArray
from napari_sam2.synthetic.shapes import Outline, wavy_profile
from napari_sam2.synthetic.stage import Stage

__all__ = [
    "Culture",
    "Nucleus",
    "draw_culture",
    "draw_nucleus",
    "draw_screen",
    "populate",
    "soften",
]

FOOT = 0.1
"""People outline a blurred nucleus nearer to the foot of its slope than to the middle: by so much of the edge's width at
most, and less where the slope is steep."""


@dataclass(frozen=True, slots=True)
class Culture:
    """What the nuclei of one image have in common.

    Parameters
    ----------
    diameter, diameter_spread : float
        Median in pixels, and relative spread.
    count : int
        How many are tried.
    spacing, clustering : float
        See `placing.place`.
    aspect : float
        Typical length over width, 1 or more.
    common_angle : float or None
        Direction that elongated nuclei share.
    wobble : float
        How uneven outlines are.
    brightness_spread : float
        Standard deviation of the logarithm of the brightness.
    dim_share, condensed_share : float
        Parts of the nuclei, 0 to 1, that are very dim, or condensed and bright.
    edge : float
        Softness of the border in pixels.
    dome : float
        0 is flat light over the nucleus, 1 that of a ball.
    chromatin, chromatin_size : float
        Contrast of the texture, and size of its grains relative to the radius.
    spots : float
        Mean number of nucleoli (dark) or chromocentres (bright).
    bright_spots : bool
        Chromocentres rather than nucleoli.
    rim : float
        Extra light near the border.
    foot : float
        How far down the slope of its border a nucleus is outlined, in widths of the edge: 0 half way up, 1 where the
        light ends.
    """

    diameter: float
    diameter_spread: float
    count: int
    spacing: float
    clustering: float
    aspect: float
    common_angle: float | None
    wobble: float
    brightness_spread: float
    dim_share: float
    condensed_share: float
    edge: float
    dome: float
    chromatin: float
    chromatin_size: float
    spots: float
    bright_spots: bool
    rim: float
    foot: float = FOOT


@dataclass(frozen=True, slots=True)
class Nucleus:
    """The look of one nucleus, apart from where it is.

    Parameters
    ----------
    brightness, edge, foot, dome, chromatin, grain, rim : float
        As in `Culture`; grain in pixels.
    spots : ndarray of float32, (n, 4)
        Place along and across, radius, in parts of the nucleus' radii, and strength.
    offset : tuple of float
        Where in the texture tile it starts.
    """

    brightness: float
    edge: float
    foot: float
    dome: float
    chromatin: float
    grain: float
    rim: float
    spots: FloatArray
    offset: tuple[float, float]


def draw_culture(rng: np.random.Generator, side: int, diameter: float | None = None) -> Culture:
    """Choose what nuclei look like in one image of `side` pixels."""
    if diameter is None:
        diameter = draw_diameter(rng, side, 9)
    density = rng.uniform(0.08, 1.0)
    count = int(np.clip(density * side**2 / diameter**2, 3, 60))
    culture = Culture(
        diameter=diameter,
        diameter_spread=rng.uniform(0.04, 0.3),
        count=count,
        spacing=rng.uniform(0.82, 1.25),
        clustering=rng.choice([0.0, 0.3, 0.8]),
        aspect=1 + rng.gamma(1.5, 0.2),
        common_angle=rng.uniform(0, np.pi) if rng.random() < 0.25 else None,
        wobble=rng.choice([0.02, 0.04, 0.07, 0.12]),
        brightness_spread=rng.uniform(0.05, 0.8),
        dim_share=rng.choice([0.0, 0.1, 0.3]),
        condensed_share=rng.choice([0.0, 0.0, 0.05, 0.15]),
        edge=rng.uniform(0.4, 1.5)
        if rng.random() < 0.7
        else min(0.12 * diameter, rng.uniform(1, 4)),
        dome=rng.choice([0.0, 0.2, 0.5, 0.8]),
        chromatin=rng.choice([0.0, 0.05, 0.12, 0.2, 0.35]),
        chromatin_size=rng.uniform(0.06, 0.4),
        spots=rng.choice([0.0, 0.0, 2.0, 4.0, 8.0]),
        bright_spots=bool(rng.random() < 0.4),
        rim=rng.choice([0.0, 0.0, 0.2, 0.5]),
    )
    return replace(culture, foot=min(FOOT, 2 * culture.edge / diameter))


def draw_screen(rng: np.random.Generator, side: int) -> Culture:
    """Choose what nuclei look like at low magnification, as in screens: a dozen pixels wide, mostly flat.

    There is no slope to follow on so few pixels: they are outlined half way up.
    """
    culture = draw_culture(rng, side, rng.uniform(9, 16))
    return replace(
        culture,
        edge=rng.uniform(0.4, 1.0),
        dome=rng.choice([0.0, 0.0, 0.2, 0.4]),
        foot=0.0,
        brightness_spread=rng.uniform(0.05, 0.5),
        spots=rng.choice([0.0, 0.0, 2.0]),
    )


def soften(rng: np.random.Generator, culture: Culture) -> Culture:
    """Choose the same nuclei as a wide-field microscope sees them: faint slopes as broad as a fifth of the nucleus.

    They are outlined far down the slope, where a fifth of the light of their middle is left.
    """
    return replace(
        culture,
        edge=culture.diameter * rng.uniform(0.07, 0.2),
        foot=rng.uniform(0.15, 0.5),
        dome=rng.uniform(0.2, 0.6),
        brightness_spread=rng.uniform(0.2, 0.9),
        dim_share=rng.choice([0.0, 0.2, 0.4]),
        condensed_share=rng.choice([0.0, 0.05, 0.1]),
        spots=rng.choice([0.0, 2.0, 5.0]),
        bright_spots=bool(rng.random() < 0.7),
        rim=0.0,
    )


def draw_nucleus(
    rng: np.random.Generator,
    culture: Culture,
    centre: tuple[float, float],
    radius: float,
    z: float = 0.0,
) -> tuple[Outline, Nucleus]:
    """Draw one nucleus of a culture: its outline and its look."""
    aspect = max(1.0, 1 + (culture.aspect - 1) * rng.uniform(0.3, 1.7))
    angle = (
        rng.uniform(0, np.pi)
        if culture.common_angle is None
        else culture.common_angle + rng.normal(0, 0.25)
    )
    brightness = float(np.exp(rng.normal(0, culture.brightness_spread)))
    chromatin, rim, dome, wobble = culture.chromatin, culture.rim, culture.dome, culture.wobble
    spots = draw_spots(rng, culture)
    fate = rng.random()
    if fate < culture.condensed_share:
        radius, aspect = 0.7 * radius, rng.choice([1.1, 1.6, 2.4])
        brightness, chromatin, rim = brightness * rng.uniform(1.5, 3), 0.1, 0.0
        spots, wobble = spots[:0], 0.1
    elif fate < culture.condensed_share + culture.dim_share:
        brightness *= rng.uniform(0.12, 0.45)
    stretchy = float(np.sqrt(aspect))
    bend = rng.normal(0, 0.15) if rng.random() < 0.2 else 0.0
    outline = Outline(
        centre, (radius * stretchy, radius / stretchy), angle, wavy_profile(rng, wobble), bend, z
    )
    edge = culture.edge * (1.0 if rng.random() < 0.8 else rng.uniform(1, 2.5))
    look = Nucleus(
        float(np.clip(brightness, 0.08, 3.0)),
        edge,
        culture.foot,
        dome,
        chromatin,
        max(1.2, culture.chromatin_size * radius),
        rim,
        spots,
        (rng.uniform(0, 128), rng.uniform(0, 128)),
    )
    return outline, look


def draw_spots(rng: np.random.Generator, culture: Culture) -> FloatArray:
    """Nucleoli or chromocentres as rows of place, radius and strength."""
    count = min(int(rng.poisson(culture.spots)), 12)
    spots = np.empty((count, 4), np.float32)
    spots[:, :2] = rng.uniform(-0.6, 0.6, (count, 2))
    size = 0.5 / np.sqrt(max(culture.spots, 1))
    spots[:, 2] = rng.uniform(0.5, 1.2, count) * size
    strength = rng.uniform(0.3, 1.5) if culture.bright_spots else -rng.uniform(0.3, 0.85)
    spots[:, 3] = strength * rng.uniform(0.6, 1.0, count)
    return spots


def populate(
    rng: np.random.Generator, side: int, stage: Stage, culture: Culture, spacing: float
) -> list[tuple[Outline, Nucleus]]:
    """Draw the outlines and looks of all nuclei of an image, bright ones first: where two overlap, they are seen."""
    radii = (
        culture.diameter
        / 2
        * np.clip(1 + culture.diameter_spread * rng.standard_normal(culture.count), 0.4, 1.8)
    )
    spots = stage.scatter(rng, side, radii.astype(np.float32), spacing, culture.clustering)
    nuclei = [
        draw_nucleus(rng, culture, (float(y), float(x)), float(r), float(z)) for y, x, r, z in spots
    ]
    return sorted(nuclei, key=lambda nucleus: -nucleus[1].brightness)
