"""What the user said is right, and where the model is least sure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_sam2.engine.confidence import confidence
from napari_sam2.engine.masks import NO_MASK
from napari_sam2.errors import SessionError
from napari_sam2.prompts import MaskPrompt
from napari_sam2.results import FrameScores
from napari_sam2.session.made import MaskRecords, as_prompt

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from napari_sam2.prompts import Prompt
    from napari_sam2.session.state import ObjectState

__all__ = ["accept_frame", "confidence_of", "least_confident", "scores_of", "vouched_frames"]


def accept_frame(state: ObjectState, frame: int, made: MaskRecords) -> None:
    """Trust a frame as it is: it becomes a prompted frame, and the frames around it stay up to date.

    Raises
    ------
    SessionError
        If the object was not looked for on the frame.
    """
    record = state.records.get(frame)
    if record is None and frame not in state.settled:
        raise SessionError(
            f"object {state.object_id} was not tracked on frame {frame}, so there is nothing to accept; "
            "propagate or add a prompt first."
        )
    if frame not in state.prompts:
        if record is None:
            record = made.record(NO_MASK, state.facts.extent, prompted=True)
        state.prompts[frame] = (as_prompt(frame, record.mask, made.plane_shape),)
        state.records[frame] = made.trusted(record)
    state.add_facts(accepted=state.facts.accepted | {frame})


def vouched_frames(prompts: Mapping[int, Sequence[Prompt]], accepted: Collection[int]) -> list[int]:
    """Return the frames, ascending, whose masks the user vouched for.

    Those that were accepted, painted, or corrected: two prompts or more, or a mask. A frame with a single click shows what the
    model made of it, and nobody may have looked.
    """
    corrected = {
        frame
        for frame, given in prompts.items()
        if len(given) > 1 or any(isinstance(p, MaskPrompt) for p in given)
    }
    return sorted(corrected | set(accepted))


def scores_of(state: ObjectState) -> FrameScores:
    """Return an object's scores on all frames that have a mask."""
    frames = sorted(state.records)
    scores = [state.records[f].scores for f in frames]
    return FrameScores(
        np.array(frames, dtype=np.int64),
        np.array([s.iou_score for s in scores]),
        np.array([s.stability_score for s in scores]),
        np.array([s.object_score for s in scores]),
        np.array([s.area for s in scores], dtype=float),
        np.array([s.overlap for s in scores]),
        np.array([f in state.prompts for f in frames], dtype=bool),
    )


def confidence_of(state: ObjectState, n_frames: int) -> np.ndarray:
    """Return an object's confidence on every frame, 0 to 1, NaN where it has no pixel."""
    return confidence(scores_of(state), n_frames)


def least_confident(
    states: Iterable[ObjectState], n_frames: int, seen: Collection[tuple[int, int]]
) -> tuple[int, int] | None:
    """Find the (object_id, frame) with the lowest confidence; prompted frames and ``seen`` ones are passed over."""
    best: tuple[float, int, int] | None = None
    for state in states:
        values = confidence_of(state, n_frames)
        passed = [f for i, f in seen if i == state.object_id and 0 <= f < n_frames]
        values[[*state.prompts, *passed]] = np.nan
        if not np.isnan(values).all():
            frame = int(np.nanargmin(values))
            here = (float(values[frame]), state.object_id, frame)
            best = here if best is None else min(best, here)
    return None if best is None else best[1:]
