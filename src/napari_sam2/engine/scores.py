"""How far a mask can be trusted."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["mask_iou", "stability_score"]


def stability_score(logits: Tensor, offset: float = 1.0) -> Tensor:
    """IoU of the masks at logit thresholds ``+offset`` and ``-offset``.

    Parameters
    ----------
    logits : Tensor, (..., h, w)
        Mask logits.
    offset : float
        In logits.

    Returns
    -------
    Tensor, float32, (...)
        1 where both are empty.

    References
    ----------
    Kirillov et al. 2023, Segment Anything, section 5.
    """
    inner = (logits > offset).flatten(-2).sum(-1)
    outer = (logits > -offset).flatten(-2).sum(-1)
    return torch.where(outer > 0, inner / outer.clamp(min=1), 1.0)


def mask_iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two bool masks; NaN if both are empty."""
    both = np.count_nonzero(a | b)
    return float(np.count_nonzero(a & b) / both) if both else float("nan")
