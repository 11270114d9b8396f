"""Objects from a label image that was made elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_sam2.engine.masks import CompactMask, union
from napari_sam2.engine.scores import mask_iou
from napari_sam2.errors import SessionError
from napari_sam2.results import Scores
from napari_sam2.session.made import MaskRecords, as_prompt
from napari_sam2.session.state import ObjectState
from napari_sam2.session.views import extent_for

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["ids_of_values", "masks_by_value", "object_of_masks"]


def masks_by_value(
    labels: Any, frame: int | None, shape: tuple[int, int, int]
) -> dict[int, dict[int, CompactMask]]:
    """Cut a label image into the masks of its values, plane by plane.

    Parameters
    ----------
    labels : array-like of int
        (frame, y, x), or (y, x) with a frame; 0 is the background.
    frame : int or None
        Where a plane lies.
    shape : tuple of int
        (frame, y, x) of the stack.

    Returns
    -------
    dict of int to dict of int to CompactMask
        By value, ascending, and frame.

    Raises
    ------
    SessionError
        If the shape or the number type does not fit, or there is no object.
    """
    if not hasattr(labels, "shape"):
        labels = np.asarray(labels)
    expected = shape if frame is None else shape[1:]
    if tuple(labels.shape) != expected:
        rule = "(frame, y, x)" if frame is None else "(y, x), because a frame was given"
        raise SessionError(
            f"labels of shape {tuple(labels.shape)} do not fit the stack; they must be {expected}, {rule}."
        )
    if np.dtype(labels.dtype).kind not in "iub":
        raise SessionError(
            f"labels of type {labels.dtype} are not labels; give whole numbers, 0 for the background."
        )
    found: dict[int, dict[int, CompactMask]] = {}
    for f in range(shape[0]) if frame is None else [frame]:
        plane = np.asarray(labels[f] if frame is None else labels)
        for value, mask in _masks_of_plane(plane):
            found.setdefault(value, {})[f] = mask
    if not found:
        raise SessionError("the labels are empty; give an image in which objects are not 0.")
    return dict(sorted(found.items()))


def _masks_of_plane(plane: np.ndarray) -> list[tuple[int, CompactMask]]:
    values, dense = np.unique(plane, return_inverse=True)
    if values[0] < 0 or values[-1] > np.iinfo(np.uint32).max:
        wrong = values[0] if values[0] < 0 else values[-1]
        raise SessionError(
            f"label {wrong} can't be the id of an object; ids are whole numbers from 1 to 2**32 - 1."
        )
    dense = dense.reshape(plane.shape) + 1
    masks = []
    for i, (value, box) in enumerate(zip(values, ndimage.find_objects(dense), strict=True), 1):
        if value:
            origin = (int(box[0].start), int(box[1].start))
            masks.append((int(value), CompactMask.pack(dense[box] == i, origin)))
    return masks


def ids_of_values(values: Collection[int], used: int) -> dict[int, int]:
    """Choose ids: a value above ``used``, the highest id so far, is its own id; others get new ids after all of these.

    Raises
    ------
    SessionError
        If there is no room for new ids.
    """
    ids = {value: value for value in values if value > used}
    next_id = max(ids, default=used)
    for value in values:
        if value not in ids:
            next_id += 1
            ids[value] = next_id
    if next_id > np.iinfo(np.uint32).max:
        raise SessionError(
            f"label {max(values)} leaves no room for new ids; give labels of smaller numbers."
        )
    return ids


def object_of_masks(
    object_id: int,
    masks: Mapping[int, CompactMask],
    known: Collection[int],
    window_side: int | None,
    made: MaskRecords,
) -> ObjectState:
    """Make an object: a mask prompt where it is largest, the other frames as they are.

    Parameters
    ----------
    object_id : int
        Its id.
    masks : mapping of int to CompactMask
        By frame.
    known : collection of int
        Frames on which it is up to date, also without a mask; the others are still to be tracked.
    window_side : int or None
        See `Session`.
    made : MaskRecords
        Makes the records.
    """
    anchor = max(masks, key=lambda f: (masks[f].area, -f))
    prompt = as_prompt(anchor, masks[anchor], made.plane_shape)
    state = ObjectState(object_id, {anchor: (prompt,)})
    extent = extent_for(window_side, (prompt,))
    state.add_facts(extent=extent)
    for frame, mask in masks.items():
        before = masks.get(frame + (frame < anchor) - (frame > anchor))
        scores = Scores(1.0, 1.0, 10.0, mask.area, _iou(before, mask))
        state.records[frame] = made.record(
            mask, extent, None if frame == anchor else scores, frame == anchor
        )
    state.settled = set(known) - {anchor}
    return state


def _iou(a: CompactMask | None, b: CompactMask) -> float:
    if a is None:
        return float("nan")
    window = union(a.window, b.window)
    return mask_iou(a.inside(window), b.inside(window))
