"""One number for how far a mask can be trusted; docs/confidence.md has the formula and what it was measured on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from napari_sam2.results import FrameScores

__all__ = ["area_ratio", "confidence"]

_USUAL_STABILITY: Final = 0.7  # from here on a sign is as good as it gets; see docs/confidence.md
_USUAL_OVERLAP: Final = 0.9
_USUAL_RATIO: Final = 0.5


def confidence(scores: FrameScores, n_frames: int) -> np.ndarray:
    """Combine an object's scores into one confidence per frame.

    The product of five signs, each from 0 to 1: the probability that the object is there at all, the model's own IoU
    estimate, the stability of the mask, its overlap with the frame that it was tracked from, and how steady its area is. It
    grows with each of them. A sign that is not known counts as 1, and so do all signs on a prompted frame.

    Parameters
    ----------
    scores : FrameScores
        Of one object.
    n_frames : int
        Of the stack.

    Returns
    -------
    ndarray of float, (n_frames,)
        NaN where the object has no pixel.
    """
    signs = (
        1 / (1 + np.exp(-np.clip(scores.object_score, -50, 50))),
        scores.iou_score,
        scores.stability_score / _USUAL_STABILITY,
        scores.overlap / _USUAL_OVERLAP,
        area_ratio(scores) / _USUAL_RATIO,
    )
    known = [np.where(np.isnan(sign), 1.0, np.clip(sign, 0, 1)) for sign in signs]
    there = scores.area > 0
    values = np.full(n_frames, np.nan)
    product = np.prod(known, axis=0)
    values[scores.frame[there]] = np.where(scores.prompted, 1.0, product)[there]
    return values


def area_ratio(scores: FrameScores) -> np.ndarray:
    """Compare each area with that of the next frame on the way to the nearest prompted frame.

    Parameters
    ----------
    scores : FrameScores
        Of one object.

    Returns
    -------
    ndarray of float, (n,)
        The smaller of the two areas over the larger one, 0 to 1; NaN where there is nothing to compare with.
    """
    ratio = np.full(len(scores.frame), np.nan)
    anchors = scores.frame[scores.prompted]
    if not len(anchors):
        return ratio
    area = dict(zip(scores.frame.tolist(), scores.area.tolist(), strict=True))
    nearest = anchors[np.abs(scores.frame[:, None] - anchors).argmin(axis=1)]
    for i, (frame, source) in enumerate(zip(scores.frame.tolist(), nearest.tolist(), strict=True)):
        other = area.get(frame + (frame < source) - (frame > source), 0.0)
        if frame != source and area[frame] and other:
            ratio[i] = min(area[frame], other) / max(area[frame], other)
    return ratio
