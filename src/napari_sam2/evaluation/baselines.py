"""What a user would do without a model: flood fill, seeded watershed, random walker. The settings are in docs/evaluation.md.

All three see the same window, the same clicks and the same intensity mapping as the model: one plane, grey (the mean of the
channels), smoothed. They differ in one function that turns seeds into a mask.
"""

# mypy: allow-untyped-calls
# (only some of scikit-image has types)

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BASELINES", "Fill", "Seeds", "flood_fill", "random_walk", "seeded_watershed"]

STIFFNESS = 5000.0
"""beta of the random walker."""

CLEARLY = 0.25
"""Of the contrast of a patch: how much seeds of both kinds must differ to move the threshold of the flood."""

EVEN = 1e-3
"""Standard deviation of a patch without any edge."""


@dataclass(frozen=True, slots=True, eq=False)
class Seeds:
    """What is known of a patch; bool, (y, x).

    Parameters
    ----------
    inside : ndarray
        Pixels of the object, at least one.
    outside : ndarray
        Pixels that the user (or, on a carried frame, the rule) says are none of it.
    edge : ndarray
        The rim of the window, taken for outside where nothing better is known.
    """

    inside: np.ndarray
    outside: np.ndarray
    edge: np.ndarray


Fill: TypeAlias = "Callable[[np.ndarray, Seeds], np.ndarray]"
"""Takes a grey patch, float32, (y, x), 0 to 1, and seeds; returns the mask, bool, (y, x)."""


def flood_fill(patch: np.ndarray, seeds: Seeds) -> np.ndarray:
    """Fill the pixels connected to each seed on its side of a threshold, and the holes; seeds outside are dams.

    The threshold is Otsu's of the patch. Seeds outside that differ clearly in brightness move it to midway between the means
    under both kinds. A flood that reaches the rim is taken back, as long as another one does not.
    """
    from scipy.ndimage import binary_fill_holes
    from skimage.measure import label

    threshold = _threshold(patch, seeds)
    strokes = label(seeds.inside, connectivity=2)
    floods = []
    for number in range(1, int(strokes.max()) + 1):
        seed = strokes == number
        bright = float(patch[seed].mean()) > threshold
        side = (patch > threshold) if bright else (patch <= threshold)
        regions = label((side & ~seeds.outside) | seed, connectivity=1)
        floods.append(np.isin(regions, np.unique(regions[seed])))
    kept = [flood for flood in floods if not (flood & seeds.edge).any()] or floods
    filled = binary_fill_holes(np.any(kept, axis=0) | seeds.inside)
    return np.asarray(filled & ~seeds.outside)


def _threshold(patch: np.ndarray, seeds: Seeds) -> float:
    """Choose the threshold of the flood."""
    from skimage.filters import threshold_otsu

    threshold = float(threshold_otsu(patch))
    if not seeds.outside.any():
        return threshold
    value, other = float(patch[seeds.inside].mean()), float(patch[seeds.outside].mean())
    if abs(value - other) > CLEARLY * _contrast(patch, threshold):
        return (value + other) / 2
    return threshold


def _contrast(patch: np.ndarray, threshold: float) -> float:
    """Return the difference of the means above and below a threshold."""
    above = patch > threshold
    return float(patch[above].mean() - patch[~above].mean()) if above.any() else 0.0


def seeded_watershed(patch: np.ndarray, seeds: Seeds) -> np.ndarray:
    """Flood the gradient (Sobel) from both kinds of seeds; the object is what its seeds reach first."""
    from skimage.filters import sobel
    from skimage.segmentation import watershed

    return np.asarray(watershed(sobel(patch), _markers(seeds)) == 1)


def random_walk(patch: np.ndarray, seeds: Seeds) -> np.ndarray:
    """Take the pixels from which a random walker that shuns edges more often meets the object's seeds first."""
    from skimage.segmentation import random_walker

    markers = _markers(seeds)
    if (markers > 0).all() or patch.std() < EVEN:  # nowhere to walk, or nothing to shun
        return np.asarray(markers == 1)
    labels = random_walker(patch, markers, beta=STIFFNESS, mode="bf")  # exact
    return np.asarray(labels == 1)


def _markers(seeds: Seeds) -> np.ndarray:
    """Return 1 inside, 2 outside, 0 where nothing is known; where both are said, inside."""
    markers = np.where(seeds.outside | seeds.edge, 2, 0)
    markers[seeds.inside] = 1
    return markers


BASELINES: dict[str, Fill] = {
    "flood": flood_fill,
    "watershed": seeded_watershed,
    "walker": random_walk,
}
