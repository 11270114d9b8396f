"""Objects are joined, split and taken from label images, without asking the network.

What is shown stays as it is: pixels only change the id that they carry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_sam2.engine.masks import CompactMask, union
from napari_sam2.errors import SessionError
from napari_sam2.results import Scores
from napari_sam2.session.claims import decide_contested
from napari_sam2.session.made import MaskRecords, as_prompt
from napari_sam2.session.regions import connected_part
from napari_sam2.session.state import ObjectState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sam2.session.labels import Labels

__all__ = ["merge_objects", "split_object"]

_EXTENT_PER_OBJECT: Final = 1.5


def merge_objects(
    objects: dict[int, ObjectState], object_ids: Sequence[int], labels: Labels, made: MaskRecords
) -> None:
    """Join objects into the one with the lowest id.

    A frame on which one of them only has a mask keeps its prompts and its mask. Where several have one, the frame carries the
    union: as a mask prompt if one of them was prompted there, else as a tracked frame.

    Parameters
    ----------
    objects : dict of int to ObjectState
        All objects.
    object_ids : sequence of int
        Two or more.
    labels : Labels
        What is shown; contested pixels stay with who has them.
    made : MaskRecords
        Makes the records of the unions.
    """
    decide_contested(objects, object_ids, labels)
    states = [objects[i] for i in sorted(object_ids)]
    joined = ObjectState(states[0].object_id)
    extent = _extent_of_union(states)
    name = next((s.facts.name for s in states if s.facts.name), "")
    joined.add_facts(extent=extent, name=name)
    for frame in sorted({f for s in states for f in s.records.keys() | s.prompts.keys()}):
        _join_frame(joined, states, frame, made)
    done = [s.settled | s.prompts.keys() for s in states]
    joined.settled = set.intersection(*done) - joined.prompts.keys()
    for state in states:
        del objects[state.object_id]
    objects[joined.object_id] = joined


def _join_frame(
    joined: ObjectState, states: Sequence[ObjectState], frame: int, made: MaskRecords
) -> None:
    """Give the joined object its mask on a frame."""
    here = [s for s in states if frame in s.records]
    there = [s for s in here if s.records[frame].mask.area] or here[:1]
    is_prompted = any(frame in s.prompts for s in states)
    if len(there) == 1 and (frame in there[0].prompts) == is_prompted:
        only = there[0]
        joined.records[frame] = only.records[frame]
        if is_prompted:
            joined.prompts[frame] = only.prompts[frame]
        if frame in only.facts.accepted:
            joined.add_facts(accepted=joined.facts.accepted | {frame})
        return
    mask = _union_of([s.records[frame].mask for s in there])
    scores = None if is_prompted else _least([s.records[frame].scores for s in there])
    joined.records[frame] = made.record(mask, joined.facts.extent, scores, is_prompted)
    if is_prompted:
        joined.prompts[frame] = (as_prompt(frame, mask, made.plane_shape),)


def _union_of(masks: Sequence[CompactMask]) -> CompactMask:
    window = masks[0].window
    for mask in masks[1:]:
        window = union(window, mask.window)
    return CompactMask.pack(np.any([m.inside(window) for m in masks], axis=0), window[:2])


def _least(scores: Sequence[Scores]) -> Scores:
    """Trust a union as far as its least certain part."""
    return Scores(
        min(s.iou_score for s in scores),
        min(s.stability_score for s in scores),
        min(s.object_score for s in scores),
        sum(s.area for s in scores),
        min((s.overlap for s in scores if not np.isnan(s.overlap)), default=float("nan")),
    )


def _extent_of_union(states: Sequence[ObjectState]) -> int | None:
    """Choose a window that shows the joined object on every frame; None if one was shown whole planes."""
    extents = [s.facts.extent for s in states]
    if any(e is None for e in extents):
        return None
    side = 0
    for frame in {f for s in states for f in s.records}:
        masks = [s.records[frame].mask for s in states if frame in s.records]
        y0, x0, y1, x1 = _union_of(masks).window
        side = max(side, y1 - y0, x1 - x0)
    return max(int(np.ceil(_EXTENT_PER_OBJECT * side)), *(e for e in extents if e is not None))


def split_object(
    objects: dict[int, ObjectState],
    object_id: int,
    new_id: int,
    place: tuple[int, int, int],
    labels: Labels,
    made: MaskRecords,
) -> None:
    """Make an object of its own of what is connected to a place.

    Both keep the prompted frames on which they have all of the mask; where both have pixels, each gets a mask prompt of its
    own. A part without any prompted frame gets one, so that it can be propagated: the new one at the place, the old one
    where it is largest.

    Parameters
    ----------
    objects : dict of int to ObjectState
        All objects.
    object_id, new_id : int
        The object, and the id of the part.
    place : tuple of int
        (frame, y, x), a pixel of the object.
    labels : Labels
        What is shown.
    made : MaskRecords
        Makes the records of the parts.

    Raises
    ------
    SessionError
        If the object is not there, or has one part only.
    """
    decide_contested(objects, [object_id], labels)
    old = objects[object_id]
    masks = {f: r.mask for f, r in old.records.items() if r.mask.area}
    frame, y, x = place
    if frame not in masks or not masks[frame].inside((y, x, y + 1, x + 1))[0, 0]:
        raise SessionError(
            f"object {object_id} has no pixel at {(y, x)} on frame {frame}; give a place inside it."
        )
    part, is_all = connected_part(masks, frame, (y, x))
    if is_all:
        raise SessionError(
            f"object {object_id} has one connected part only, so there is nothing to split off; use "
            "a negative prompt to take pixels away."
        )
    new = objects[new_id] = ObjectState(new_id, settled=set(old.settled))
    new.add_facts(extent=old.facts.extent)
    for f, pixels in part.items():
        _part_frame(old, new, f, pixels, made)
    new.settled |= old.prompts.keys() - new.prompts.keys()
    old.settled |= new.prompts.keys() - old.prompts.keys()
    _have_prompt(new, frame, made)
    areas = {f: r.mask.area for f, r in old.records.items()}
    _have_prompt(old, max(areas, key=lambda f: areas[f]), made)


def _part_frame(
    old: ObjectState, new: ObjectState, frame: int, pixels: np.ndarray, made: MaskRecords
) -> None:
    """Divide a frame's mask; ``pixels`` (y, x) of its window go to the new object."""
    record = old.records[frame]
    mask = record.mask.inside(record.mask.window)
    if np.array_equal(pixels, mask):
        new.records[frame] = old.records.pop(frame)
        if frame in old.prompts:
            new.prompts[frame] = old.prompts.pop(frame)
        if frame in old.facts.accepted:
            old.add_facts(accepted=old.facts.accepted - {frame})
            new.add_facts(accepted=new.facts.accepted | {frame})
        return
    is_prompted = frame in old.prompts
    for state, own in ((old, mask & ~pixels), (new, pixels)):
        packed = CompactMask.pack(own, record.mask.window[:2])
        scores = None if is_prompted else record.scores
        state.records[frame] = made.record(packed, state.facts.extent, scores, is_prompted)
        if is_prompted:
            state.prompts[frame] = (as_prompt(frame, packed, made.plane_shape),)


def _have_prompt(state: ObjectState, frame: int, made: MaskRecords) -> None:
    """Make a frame a prompted one, with the mask that it has, if there is none."""
    if not state.prompts:
        record = state.records[frame]
        state.prompts[frame] = (as_prompt(frame, record.mask, made.plane_shape),)
        state.records[frame] = made.trusted(record)
        state.settled.discard(frame)
