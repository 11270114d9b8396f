"""What a drawing means to a session, and which drawings a session's prompts are; the worker's side.

- A positive box is a `Box`; a scribble is a `Scribble`.
- A positive lasso is a mask that the decoder improves: a hand does not follow an edge exactly.
- A negative box or lasso takes its area away from the object's mask, exactly as drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_sam2._napari.drawings import Drawing, Kind
from napari_sam2.errors import PromptError
from napari_sam2.prompts import Box, MaskPrompt, Prompt, Scribble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sam2.session import Session

__all__ = ["DrawnPrompts", "polygon_mask"]


class DrawnPrompts:
    """Turn drawings into prompts and back; masks are remembered, the others can be read."""

    def __init__(self) -> None:
        self._masks: dict[int, tuple[MaskPrompt, Drawing]] = {}  # by the mask's identity

    def prompt(self, session: Session, drawing: Drawing) -> Prompt:
        """Return what a drawing means.

        Raises
        ------
        PromptError
            If it encloses nothing.
        """
        if drawing.kind is Kind.SCRIBBLE:
            return Scribble(drawing.frame, drawing.path_yx, drawing.positive)
        if drawing.kind is Kind.BOX and drawing.positive:
            return Box(drawing.frame, *drawing.path_yx)
        prompt = _mask_prompt(session, drawing)
        self._masks[id(prompt)] = prompt, drawing
        return prompt

    def held(self, session: Session) -> dict[Drawing, Prompt]:
        """Return the drawings that the session's prompts are."""
        found: dict[Drawing, Prompt] = {}
        for object_id in session.object_ids:
            for prompts in session.prompts(object_id).values():
                for prompt in prompts:
                    drawing = self._drawing(object_id, prompt)
                    if drawing is not None:
                        found[drawing] = prompt
        return found

    def _drawing(self, object_id: int, prompt: Prompt) -> Drawing | None:
        """Return the drawing of a prompt; None for points, and masks that were not drawn."""
        if isinstance(prompt, Box):
            corners = prompt.yx_min, prompt.yx_max
            return Drawing(object_id, Kind.BOX, prompt.frame, corners)
        if isinstance(prompt, Scribble):
            path, positive = prompt.path_yx, prompt.positive
            return Drawing(object_id, Kind.SCRIBBLE, prompt.frame, path, positive)
        _, drawing = self._masks.get(id(prompt), (None, None))
        return drawing if drawing is not None and drawing.object_id == object_id else None


def polygon_mask(path_yx: Sequence[tuple[float, float]], shape: tuple[int, int]) -> np.ndarray:
    """Return the pixels whose centres lie inside a polygon.

    Parameters
    ----------
    path_yx : sequence of (float, float)
        Vertices; the last is joined to the first. Where it crosses itself, the even-odd rule holds.
    shape : tuple of int
        (y, x) of the plane.

    Returns
    -------
    ndarray of bool, (y, x)
    """
    height, width = shape
    mask = np.zeros(shape, dtype=bool)
    columns = np.arange(width)
    path = np.asarray(path_yx, dtype=float)
    for (y0, x0), (y1, x1) in zip(path, np.roll(path, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        # the rows that this edge crosses: every pixel to its left changes sides
        low, high = np.clip(np.ceil([min(y0, y1), max(y0, y1)]), 0, height).astype(int)
        rows = np.arange(low, high)
        crossings = x0 + (rows - y0) * (x1 - x0) / (y1 - y0)
        mask[low:high] ^= columns < crossings[:, np.newaxis]
    return mask


def _mask_prompt(session: Session, drawing: Drawing) -> MaskPrompt:
    path = drawing.path_yx
    if drawing.kind is Kind.BOX:
        (y0, x0), (y1, x1) = path
        path = ((y0, x0), (y0, x1), (y1, x1), (y1, x0))
    area = polygon_mask(path, session.plane_shape)
    if not area.any():
        raise PromptError(
            f"this {drawing.kind.name.lower()} encloses no pixel of the plane of shape "
            f"{session.plane_shape}; draw it around something."
        )
    if drawing.positive:
        return MaskPrompt(drawing.frame, area, refine=True)
    known = drawing.object_id in session.object_ids
    mask = session.mask(drawing.object_id, drawing.frame) if known else np.zeros_like(area)
    if not (mask & area).any():
        raise PromptError(
            f"object {drawing.object_id} has nothing inside this {drawing.kind.name.lower()}, so there "
            "is nothing to take away; select the object first, or turn to positive."
        )
    return MaskPrompt(drawing.frame, mask & ~area)
