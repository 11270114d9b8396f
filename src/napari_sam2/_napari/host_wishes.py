"""The worker's side of requests about whole objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam2._napari.messages import Said, Selected
from napari_sam2._napari.wishes import (
    Accept,
    AddSeeds,
    ImportLabels,
    Lock,
    Merge,
    NextMask,
    RemoveObjects,
    Rename,
    Split,
    TakeMasks,
    Worst,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_sam2._napari.host import Job
    from napari_sam2._napari.messages import Answer
    from napari_sam2.results import MaskUpdate
    from napari_sam2.session import Session

__all__ = ["say_all", "say_masks", "say_prompted", "serve_wish"]


def serve_wish(session: Session, wish: Any, job: Job) -> None:
    """Do what is asked; errors are raised, and leave the session as it was."""
    match wish:
        case RemoveObjects(object_ids):
            for object_id in object_ids:
                say_all(session.remove_object(object_id), job)
        case Rename(object_id, name):
            session.rename(object_id, name)
        case Merge(object_ids):
            say_all(session.merge(object_ids), job)
            job.say(Selected(min(object_ids)))
        case Split(object_id, frame, yx):
            new_id, updates = session.split(object_id, frame, yx)
            say_all(updates, job)
            job.say(Selected(new_id))
            job.say(Said(f"Object {new_id} was split off from object {object_id}."))
        case Lock(object_id, on):
            _lock(session, object_id, on, job)
        case Accept(object_id, frame):
            job.say(session.accept(object_id, frame))
            job.say(Said(f"Object {object_id} is trusted on frame {frame}."))
        case NextMask(object_id, frame):
            _next_mask(session, object_id, frame, job)
        case Worst(seen):
            _worst(session, seen, job)
        case TakeMasks(frame, masks):
            for object_id, mask in masks.items():
                say_prompted(session.take_mask(object_id, frame, mask), job)
        case ImportLabels():
            _import(session, wish, job)
        case AddSeeds(points):
            say_all(session.add_objects(*points), job)
            job.say(Said(f"{len(points)} new objects, one per point."))


def _lock(session: Session, object_id: int, on: bool | None, job: Job) -> None:
    on = not session.is_locked(object_id) if on is None else on
    (session.lock if on else session.unlock)(object_id)
    job.say(Said(f"Object {object_id} is {'locked: nothing changes it' if on else 'unlocked'}."))


def _next_mask(session: Session, object_id: int, frame: int, job: Job) -> None:
    """Step through the three masks from the smallest to the largest, and around."""
    candidates = sorted(session.candidates(object_id, frame), key=lambda each: each.mask.sum())
    chosen = next((n for n, each in enumerate(candidates) if each.chosen), -1)
    place = (chosen + 1) % len(candidates)
    job.say(session.choose(object_id, frame, candidates[place].index))
    job.say(Said(f"Mask {place + 1} of {len(candidates)}, from small to large."))


def _worst(session: Session, seen: frozenset[tuple[int, int]], job: Job) -> None:
    found = session.least_confident(seen)
    if found is None:
        job.say(Said("Every frame with a mask was looked at."))
        return
    object_id, frame = found
    confidence = float(session.confidence(object_id)[frame])
    job.say(Selected(object_id, frame))
    job.say(Said(f"Object {object_id} on frame {frame}: confidence {confidence:.2f}."))


def _import(session: Session, wish: ImportLabels, job: Job) -> None:
    before = set(session.object_ids)
    say_all(session.import_labels(np.asarray(wish.labels), wish.frame), job)
    new = sorted(set(session.object_ids) - before)
    if new:
        job.say(Selected(new[0]))
    job.say(Said(f"{len(new)} objects were taken from {wish.name or 'the labels'}."))


def say_prompted(update: MaskUpdate, job: Job) -> None:
    """Say what a prompt did, also to other frames."""
    say_masks([update], job)
    if update.others:
        frames = "another frame" if len(update.others) == 1 else f"{len(update.others)} more frames"
        job.say(
            Said(
                f"Object {update.object_id} is not there: its mask is gone from {frames} too. "
                "Undo brings all of them back."
            )
        )


def say_masks(updates: Iterable[MaskUpdate], job: Job) -> None:
    """Say updates with all that is in them; older ones first, since newer ones make them stale."""
    everything = [each for update in updates for each in (update, *update.others)]
    in_order = sorted(everything, key=lambda each: each.revision)
    say_all(in_order, job)


def say_all(answers: Iterable[Answer], job: Job) -> None:
    """Give several answers."""
    for answer in answers:
        job.say(answer)
