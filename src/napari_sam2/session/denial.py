"""What a click says that names the middle of a tracked mask: the object is not here, and so it was lost on the way."""

# mypy: allow-untyped-calls
# (scipy has no types)

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import ndimage

from napari_sam2.engine.scribbles import points_along
from napari_sam2.prompts import MaskPrompt, Point, Scribble
from napari_sam2.session.requests import says_present
from napari_sam2.session.trust import confidence_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from napari_sam2.engine.masks import CompactMask
    from napari_sam2.engine.stop_rule import StopRule
    from napari_sam2.prompts import Prompt
    from napari_sam2.session.state import FrameRecord, ObjectState

__all__ = ["frames_denied", "is_denial"]

_MIDDLE: Final = 0.7  # of the depth of the deepest pixel
_IGNORED: Final = 0.5  # of the disc around the click that lay in the mask


def is_denial(
    state: ObjectState, frame: int, prompts: Sequence[Prompt], found: CompactMask, rule: StopRule
) -> bool:
    """Tell whether prompts say that an object is not on a frame where it was tracked.

    They do if the user took the whole mask away, or if they are negative only, one of them names the middle of the mask (at
    least 0.7 times as deep as its deepest pixel), and the model then either found nothing or took no heed: more than half
    of the disc around the click that fitted into the mask would stay.

    Parameters
    ----------
    state : ObjectState
        Still with the mask that the newest of the prompts is about.
    frame : int
        Where.
    prompts : sequence of Prompt
        All of the frame.
    found : CompactMask
        What the model makes of them.
    rule : StopRule
        Nothing is denied under one that heeds no absence.
    """
    before = state.records.get(frame)
    if before is None or not before.direction or not rule.heeds_absence:
        return False
    if any(isinstance(prompt, MaskPrompt) for prompt in prompts):
        return bool(before.mask.area) and not found.area
    if says_present(prompts):
        return False
    if not before.mask.area:
        return before.prompted  # it stays as it was said
    return _is_unwanted(before.mask, list(_places(prompts)), found)


def _places(prompts: Sequence[Prompt]) -> Iterator[tuple[float, float]]:
    """Go through the places that clicks and strokes name."""
    for prompt in prompts:
        if isinstance(prompt, Point):
            yield prompt.yx
        elif isinstance(prompt, Scribble):
            yield from points_along(prompt.path_yx)


def _is_unwanted(
    mask: CompactMask, places: Sequence[tuple[float, float]], found: CompactMask
) -> bool:
    """Tell whether a negative click names the middle of a mask and is not heeded, or leaves nothing of it."""
    y0, x0, y1, x1 = mask.window
    # the border of the window is one of the mask
    depth = ndimage.distance_transform_edt(np.pad(mask.inside(mask.window), 1))[1:-1, 1:-1]
    left = found.inside(mask.window)
    rows, columns = np.ogrid[y0:y1, x0:x1]
    for y, x in places:
        row, column = round(y) - y0, round(x) - x0
        if not (0 <= row < y1 - y0 and 0 <= column < x1 - x0):
            continue
        radius = depth[row, column]
        if radius < _MIDDLE * depth.max():
            continue
        disc = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
        if not found.area or left[disc].mean() > _IGNORED:
            return True
    return False


def frames_denied(state: ObjectState, frame: int, n_frames: int) -> list[int]:
    """Find the tracked frames that are not the object's if it is not on this one.

    It was lost somewhere between the prompted frame behind and this one: most likely where the confidence is lowest. What
    the same pass found from there on goes, up to the next prompted frame beyond.

    Parameters
    ----------
    state : ObjectState
        Still with the mask on the frame that is denied.
    frame : int
        Where it is not.
    n_frames : int
        Of the stack.

    Returns
    -------
    list of int
        Without the frame itself.
    """
    denied = state.records[frame]
    step = denied.direction
    if not denied.mask.area:
        return []

    def tracked(frames: Iterable[int]) -> list[int]:
        """Return the frames of the same pass up to the next prompted one."""
        reached = takewhile(lambda f: f not in state.prompts, frames)
        return [f for f in reached if _is_of_pass(state, f, denied)]

    beyond = tracked(range(frame + step, n_frames if step > 0 else -1, step))
    between = tracked(range(frame - step, -1 if step > 0 else n_frames, -step))
    if not between:
        return beyond
    certainty = np.nan_to_num(confidence_of(state, n_frames))  # 0 where there is no mask
    weakest = min(between, key=lambda f: certainty[f])
    return beyond + between[: between.index(weakest) + 1]


def _is_of_pass(state: ObjectState, frame: int, of: FrameRecord) -> bool:
    """Tell whether a frame was tracked in the pass of a record."""
    record = state.records.get(frame)
    return record is not None and (record.direction, record.since) == (of.direction, of.since)
