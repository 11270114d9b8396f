"""The simulated user: clicks, boxes and rough masks from the truth, corrections from what is still wrong.

Plain numpy; points are (x, y) in pixels of the crop, as the network takes them.
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

__all__ = [
    "BOX_KINDS",
    "correction_click",
    "deepest_point",
    "first_click",
    "jittered_box",
    "pick_inside",
    "rough_logits",
]

Mask = npt.NDArray[np.bool_]
BOX_KINDS = (2, 3)


def pick_inside(mask: Mask, depth: float, rng: np.random.Generator) -> tuple[float, float]:
    """Draw a pixel of ``mask`` among those at least ``depth`` (0..1) times as far from its border as the deepest one.

    Parameters
    ----------
    mask : ndarray of bool
        (y, x), not empty. The border of the image counts as a border.
    depth : float
        0 draws from the whole mask, 1 gives (one of) the farthest points from the border.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    tuple of float
        (x, y).
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if rows.size == 0:
        raise ValueError("a click was asked for inside an empty mask; check mask.any() first.")
    y0, x0 = rows[0], columns[0]
    inner = mask[y0 : rows[-1] + 1, x0 : columns[-1] + 1]
    if depth > 0:
        distance = ndimage.distance_transform_edt(np.pad(inner, 1))[1:-1, 1:-1]
        inner = distance >= depth * distance.max() - 1e-6
    candidates = np.flatnonzero(inner)
    y, x = divmod(int(candidates[rng.integers(candidates.size)]), inner.shape[1])
    return float(x + x0), float(y + y0)


def deepest_point(mask: Mask) -> tuple[float, float]:
    """Return the point of ``mask`` farthest from its border, (x, y): where users click, and evaluations too."""
    return pick_inside(mask, 1.0, np.random.default_rng(0))


def first_click(mask: Mask, rng: np.random.Generator) -> tuple[float, float]:
    """Draw the first click of an object: anywhere inside (30 %), well inside (30 %) or in its middle (40 %)."""
    depth = float(rng.choice([0.0, 0.5, 1.0], p=[0.3, 0.3, 0.4]))
    return pick_inside(mask, depth, rng)


def correction_click(
    prediction: Mask, truth: Mask, rng: np.random.Generator
) -> tuple[tuple[float, float], int]:
    """Draw a click where ``prediction`` is wrong.

    Half of the clicks fall anywhere in the error, half in the middle of its larger part (missing or excess). With no
    error left, a positive click falls inside the object, or a negative one outside if there is no object.

    Returns
    -------
    xy : tuple of float
        The click.
    kind : int
        1 positive (something is missing there), 0 negative (something is too much).
    """
    missing, excess = truth & ~prediction, prediction & ~truth
    wrong = missing | excess
    if not wrong.any():
        inside = bool(truth.any())
        return pick_inside(truth if inside else ~truth, 0.0, rng), int(inside)
    if rng.random() < 0.5:
        x, y = pick_inside(wrong, 0.0, rng)
        return (x, y), int(truth[int(y), int(x)])
    positive = int(missing.sum()) >= int(excess.sum())
    return pick_inside(missing if positive else excess, 0.8, rng), int(positive)


def jittered_box(
    mask: Mask, rng: np.random.Generator, jitter: float = 0.08
) -> npt.NDArray[np.float32]:
    """Draw a box around ``mask`` as by hand: (2, 2), rows (x, y) of its top-left and bottom-right corners.

    Each side is off by a normal error of ``jitter`` times the box's size, 15 % or 20 pixels at most, and stays in the
    image.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if rows.size == 0:
        raise ValueError("a box was asked for around an empty mask; check mask.any() first.")
    low = np.array([columns[0], rows[0]], np.float32)
    high = np.array([columns[-1], rows[-1]], np.float32)
    size = high - low + 1
    limit = np.minimum(0.15 * size, 20)
    error = np.clip(rng.normal(size=(2, 2)) * jitter * size, -limit, limit)
    corners = np.clip(np.stack([low, high]) + error, 0, np.array(mask.shape[::-1]) - 1)
    return np.asarray(corners, np.float32)


def rough_logits(mask: Mask, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Draw a rough hint of ``mask`` as low-resolution logits, (y / 4, x / 4).

    The mask is averaged over 4 x 4 pixels, shifted by up to one such pixel, grown or shrunk, blurred, and scaled to at
    most +-4 to +-12.
    """
    height, width = mask.shape
    # (y, x) -> (y/4, 4, x/4, 4) -> (y/4, x/4)
    share = mask.reshape(height // 4, 4, width // 4, 4).mean((1, 3), dtype=np.float32)
    shift = rng.uniform(-1, 1, 2)
    soft = ndimage.shift(share, shift, order=1, mode="constant")
    soft = ndimage.gaussian_filter(soft, rng.uniform(0.2, 1.2))
    threshold = rng.uniform(0.3, 0.7) * max(float(soft.max()), 1e-3)
    scale = rng.uniform(4, 12)
    return np.asarray(np.clip((soft - threshold) * 4 * scale, -scale, scale), np.float32)
