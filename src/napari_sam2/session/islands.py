"""Where an object is known to be and not to be, for masks without islands and small holes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_sam2.engine.islands import find_islands, find_small_holes
from napari_sam2.engine.scores import stability_score
from napari_sam2.model.prompt_encoder import NEGATIVE, POSITIVE
from napari_sam2.prompts import Box, MaskPrompt, Prompt
from napari_sam2.session.requests import points_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sam2.engine.inference import Decision
    from napari_sam2.engine.transforms import View

__all__ = ["outside_of", "seed_of", "tidy", "without_islands"]


def seed_of(prompts: Sequence[Prompt], view: View, plane_shape: tuple[int, int]) -> np.ndarray:
    """Find the places that prompts give to an object: clicks, strokes, the inside of a box, a rough mask.

    Returns
    -------
    ndarray of bool, (S/4, S/4)
        Pixels of the logits.
    """
    points = points_of(prompts, plane_shape)
    given = zip(points.points_yx, points.kinds, strict=True)
    seed = view.cells_of_points([yx for yx, kind in given if kind == POSITIVE])
    for prompt in prompts:
        if isinstance(prompt, Box):
            corners = view.cells_of_points([prompt.yx_min, prompt.yx_max])
            rows, columns = (np.flatnonzero(corners.any(axis)) for axis in (1, 0))
            seed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
        elif isinstance(prompt, MaskPrompt):
            y0, x0, y1, x1 = view.window
            seed |= view.cells_of_mask(prompt.mask[y0:y1, x0:x1] > 0.5)
    return seed


def outside_of(prompts: Sequence[Prompt], view: View, plane_shape: tuple[int, int]) -> np.ndarray:
    """Find the places that negative prompts name, bool, (S/4, S/4)."""
    points = points_of(prompts, plane_shape)
    given = zip(points.points_yx, points.kinds, strict=True)
    return view.cells_of_points([yx for yx, kind in given if kind == NEGATIVE])


def tidy(
    logits: torch.Tensor, seeds: Sequence[np.ndarray], outside: np.ndarray | None = None
) -> torch.Tensor:
    """Leave the islands of masks out and fill their small holes: their logits change sign.

    Parameters
    ----------
    logits : Tensor, (B, S/4, S/4)
        Of some masks.
    seeds : sequence of ndarray of bool, (S/4, S/4)
        One per mask: parts that touch it stay.
    outside : ndarray of bool, (S/4, S/4), optional
        Holes that touch it stay.

    Returns
    -------
    Tensor, (B, S/4, S/4)
    """
    masks = (logits > 0).cpu().numpy()
    wrong = np.zeros_like(masks)
    for row, mask, seed in zip(wrong, masks, seeds, strict=True):
        islands = find_islands(mask, seed)
        # an island in a hole that is filled stays as it is
        row[:] = islands ^ find_small_holes(mask & ~islands, outside)
    return torch.where(torch.from_numpy(wrong).to(logits.device), -logits, logits)


def without_islands(
    decision: Decision, seeds: Sequence[np.ndarray], outside: np.ndarray | None = None
) -> Decision:
    """Tidy the chosen masks; see `tidy`."""
    logits = tidy(decision.logits, seeds, outside)
    return replace(decision, logits=logits, stability=stability_score(logits))
