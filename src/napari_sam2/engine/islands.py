"""Parts of a mask that hang on to nothing that was said: a click in one nucleus often finds specks of its neighbours."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

__all__ = ["drop_islands"]

_DIAGONAL = np.ones((3, 3), dtype=bool)


def drop_islands(logits: torch.Tensor, seed: np.ndarray) -> torch.Tensor:
    """Turn the parts of a mask that touch no seed into background.

    Parameters
    ----------
    logits : Tensor, (h, w)
        Positive inside; pixels that share a corner belong together.
    seed : ndarray of bool, (h, w)
        Clicked places, or where the object was before.

    Returns
    -------
    Tensor, (h, w)
        The same logits, with the sign turned in what was dropped. Where no part touches the seed, nothing is known, and all
        of them stay.
    """
    parts, count = ndimage.label((logits > 0).cpu().numpy(), _DIAGONAL)
    kept = np.unique(parts[seed])
    kept = kept[kept > 0]
    if not len(kept) or len(kept) == count:
        return logits
    gone = torch.from_numpy((parts > 0) & ~np.isin(parts, kept)).to(logits.device)
    return torch.where(gone, -logits, logits)
