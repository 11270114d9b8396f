"""Checks of what the user asks for, and the merging of prompts on one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_sam2.engine.scribbles import points_along
from napari_sam2.errors import PromptError, SessionError
from napari_sam2.model.prompt_encoder import BOX_MAX, BOX_MIN, NEGATIVE, POSITIVE
from napari_sam2.prompts import Box, MaskPrompt, Point, Prompt, Scribble

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "PointSet",
    "check_frame",
    "check_object_id",
    "check_prompts",
    "merge_prompts",
    "points_of",
    "says_present",
]


@dataclass(frozen=True, slots=True)
class PointSet:
    """Prompts as the decoder takes them: box corners first, then clicks, in data pixels."""

    points_yx: tuple[tuple[float, float], ...]
    kinds: tuple[int, ...]

    def for_mirror(self) -> PointSet:
        """Return the same prompts for a model that is shown the mirror image: a box begins at its other side."""
        if BOX_MIN not in self.kinds:
            return self
        (y0, x0), (y1, x1), *clicks = self.points_yx
        return PointSet(((y0, x1), (y1, x0), *clicks), self.kinds)


def check_object_id(object_id: int) -> int:
    """Return the id as an int.

    Raises
    ------
    PromptError
        If it is not a whole number from 1.
    """
    if isinstance(object_id, bool) or int(object_id) != object_id or object_id < 1:
        raise PromptError(
            f"object_id {object_id!r} is not an object; ids are whole numbers from 1 (0 is the "
            "background)."
        )
    if object_id > np.iinfo(np.uint32).max:
        raise PromptError(f"object_id {object_id} is too large for a label; use a smaller number.")
    return int(object_id)


def check_frame(frame: int, n_frames: int) -> int:
    """Return the frame as an int.

    Raises
    ------
    SessionError
        If it lies outside the stack.
    """
    if isinstance(frame, bool) or int(frame) != frame or not 0 <= frame < n_frames:
        raise SessionError(
            f"frame {frame!r} is outside the stack (0 to {n_frames - 1}); frames count along the "
            "propagation axis."
        )
    return int(frame)


def check_prompts(prompts: Sequence[Prompt], n_frames: int, plane_shape: tuple[int, int]) -> int:
    """Check prompts that are given together and return their frame.

    Raises
    ------
    PromptError
        If there are none, they lie on several frames, or outside the stack.
    """
    if not prompts:
        raise PromptError(
            "no prompt was given; give at least one Point, Box, MaskPrompt or Scribble."
        )
    for prompt in prompts:
        if not isinstance(prompt, (Point, Box, MaskPrompt, Scribble)):
            raise PromptError(
                f"{type(prompt).__name__} is not a prompt; use Point, Box, MaskPrompt or Scribble."
            )
    frames = sorted({p.frame for p in prompts})
    if len(frames) > 1:
        raise PromptError(
            f"prompts on frames {frames} were given together; those of one call share one frame, "
            "so make one call per frame."
        )
    if frames[0] >= n_frames:
        raise PromptError(
            f"frame {frames[0]} is outside the stack (0 to {n_frames - 1}); frames count along "
            "the propagation axis."
        )
    for prompt in prompts:
        _check_place(prompt, plane_shape)
    return frames[0]


def _check_place(prompt: Prompt, plane_shape: tuple[int, int]) -> None:
    h, w = plane_shape
    if isinstance(prompt, MaskPrompt):
        if prompt.mask.shape != plane_shape:
            raise PromptError(
                f"mask of shape {prompt.mask.shape} does not fit the planes {plane_shape}; give a "
                "mask of the whole plane, (y, x)."
            )
        return
    if isinstance(prompt, Box):
        (y0, x0), (y1, x1) = prompt.yx_min, prompt.yx_max
        if y1 < -0.5 or x1 < -0.5 or y0 > h - 0.5 or x0 > w - 0.5:
            raise PromptError(
                f"box from {prompt.yx_min} to {prompt.yx_max} lies outside the plane of shape "
                f"{plane_shape}; boxes are (y, x) in data pixels."
            )
        return
    for y, x in (prompt.yx,) if isinstance(prompt, Point) else prompt.path_yx:
        if not (-0.5 <= y <= h - 0.5 and -0.5 <= x <= w - 0.5):
            raise PromptError(
                f"{type(prompt).__name__.lower()} at {(y, x)} lies outside the plane of shape "
                f"{plane_shape}; places are (y, x) in data pixels."
            )


def merge_prompts(earlier: Sequence[Prompt], new: Sequence[Prompt]) -> tuple[Prompt, ...]:
    """Join the prompts of a frame: a new mask replaces all earlier ones, a new box an earlier box."""
    if any(isinstance(p, MaskPrompt) for p in new):
        kept: list[Prompt] = []
    elif any(isinstance(p, Box) for p in new):
        kept = [p for p in earlier if not isinstance(p, Box)]
    else:
        kept = list(earlier)
    if sum(isinstance(p, Box) for p in new) > 1:
        raise PromptError("two boxes for one object on one frame; give one box around all of it.")
    if sum(isinstance(p, MaskPrompt) for p in new) > 1:
        raise PromptError("two masks for one object on one frame; join them into one mask.")
    return (*kept, *new)


def points_of(prompts: Sequence[Prompt], plane_shape: tuple[int, int]) -> PointSet:
    """Turn prompts into points; masks are left out."""
    corners: list[tuple[tuple[float, float], int]] = []
    clicks: list[tuple[tuple[float, float], int]] = []
    for prompt in prompts:
        if isinstance(prompt, Box):
            corners += zip(_clipped(prompt, plane_shape), (BOX_MIN, BOX_MAX), strict=True)
        elif isinstance(prompt, Point):
            clicks.append((prompt.yx, POSITIVE if prompt.positive else NEGATIVE))
        elif isinstance(prompt, Scribble):
            kind = POSITIVE if prompt.positive else NEGATIVE
            clicks += [(yx, kind) for yx in points_along(prompt.path_yx)]
    both = corners + clicks
    return PointSet(tuple(yx for yx, _ in both), tuple(kind for _, kind in both))


def says_present(prompts: Sequence[Prompt]) -> bool:
    """Tell whether prompts show where the object is, and not only where it is not."""
    return any(
        bool((prompt.mask > 0.5).any())
        if isinstance(prompt, MaskPrompt)
        else isinstance(prompt, Box) or prompt.positive
        for prompt in prompts
    )


def _clipped(box: Box, plane_shape: tuple[int, int]) -> Iterable[tuple[float, float]]:
    h, w = plane_shape
    for y, x in (box.yx_min, box.yx_max):
        yield min(max(y, 0.0), h - 1.0), min(max(x, 0.0), w - 1.0)
