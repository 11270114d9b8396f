"""Who holds which pixels: masks that overlap are made to agree with what is shown.

Masks of objects may overlap, and the labels show who got the contested pixels. Where an object is finished (locked), or is
made of others (merged, split), what is shown is to stay as it is, so the pixels are taken out of the masks that lost them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_sam2.engine.masks import CompactMask, intersect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from napari_sam2.session.labels import Labels
    from napari_sam2.session.state import FrameRecord, ObjectState

__all__ = ["decide_contested", "pixels_free", "with_mask", "without_locked"]


def with_mask(record: FrameRecord, mask: np.ndarray, origin: tuple[int, int]) -> FrameRecord:
    """Give a record fewer pixels, (y, x) from ``origin``; what the network made of it stays its own."""
    packed = CompactMask.pack(mask, origin)
    return replace(record, mask=packed, scores=replace(record.scores, area=packed.area))


def without_locked(
    objects: Mapping[int, ObjectState], object_id: int, frame: int, record: FrameRecord
) -> FrameRecord:
    """Take the pixels of other, locked objects out of a record."""
    window = record.mask.window
    mask = None
    for other, theirs in _others(objects, {object_id}, frame, record):
        if objects[other].facts.locked:
            mask = record.mask.inside(window) if mask is None else mask
            mask &= ~theirs.mask.inside(window)
    if mask is None or int(np.count_nonzero(mask)) == record.mask.area:
        return record
    return with_mask(record, mask, window[:2])


def pixels_free(objects: Mapping[int, ObjectState], frame: int, mask: np.ndarray) -> np.ndarray:
    """Take the pixels of all locked objects out of a mask (y, x) of a whole plane."""
    for state in objects.values():
        record = state.records.get(frame)
        if state.facts.locked and record is not None:
            y0, x0, y1, x1 = record.mask.window
            mask[y0:y1, x0:x1] &= ~record.mask.inside(record.mask.window)
    return mask


def decide_contested(
    objects: Mapping[int, ObjectState], object_ids: Iterable[int], labels: Labels
) -> None:
    """Make the masks of some objects, and of those that overlap with them, say what the labels show.

    The labels do not change. Afterwards no other mask overlaps with these objects.

    Parameters
    ----------
    objects : mapping of int to ObjectState
        All objects; records are replaced.
    object_ids : iterable of int
        Whose pixels are decided.
    labels : Labels
        What is shown.
    """
    ids = set(object_ids)
    for object_id in sorted(ids):
        state = objects[object_id]
        for frame, record in list(state.records.items()):
            window = record.mask.window
            rivals = list(_others(objects, {object_id}, frame, record))
            if not rivals:
                continue
            shown = labels.shown(frame, window)
            mine = record.mask.inside(window)
            held = mine & (shown == object_id)
            for other, theirs in rivals:
                lost = np.zeros_like(mine) if other in ids else held & theirs.mask.inside(window)
                if lost.any():
                    objects[other].records[frame] = _without(theirs, lost, window)
            if not np.array_equal(held, mine):
                state.records[frame] = with_mask(record, held, window[:2])


def _without(
    record: FrameRecord, lost: np.ndarray, window: tuple[int, int, int, int]
) -> FrameRecord:
    """Take pixels (y, x) of a window out of a record."""
    own = record.mask.window
    common = intersect(own, window)
    mask = record.mask.inside(own)
    if common is not None:
        y0, x0, y1, x1 = common
        part = lost[y0 - window[0] : y1 - window[0], x0 - window[1] : x1 - window[1]]
        mask[y0 - own[0] : y1 - own[0], x0 - own[1] : x1 - own[1]] &= ~part
    return with_mask(record, mask, own[:2])


def _others(
    objects: Mapping[int, ObjectState], ids: set[int], frame: int, record: FrameRecord
) -> Iterator[tuple[int, FrameRecord]]:
    """Yield other objects' records on a frame whose bounding boxes overlap with a record's."""
    for other, state in objects.items():
        theirs = state.records.get(frame)
        if other not in ids and theirs is not None:
            if intersect(theirs.mask.window, record.mask.window) is not None:
                yield other, theirs
