"""Carrying objects from their prompted frames to the others, as one action of the history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from napari_sam2.engine.masks import union
from napari_sam2.engine.plan import Direction, Step, Task, plan_propagation
from napari_sam2.engine.scores import mask_iou
from napari_sam2.results import MaskUpdate, Progress
from napari_sam2.session.history import ObjectChange, compare
from napari_sam2.session.run import Run
from napari_sam2.session.tracker import Tracker

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_sam2.engine.stop_rule import StopRule
    from napari_sam2.session.ledger import Ledger
    from napari_sam2.session.recall import Recall
    from napari_sam2.session.state import FrameRecord, ObjectState

__all__ = ["Propagation", "Request"]

_CONTINUES: Final = 0.2  # IoU with the frame before: a nucleus that moves half its width has 0.3


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be tracked.

    Parameters
    ----------
    object_ids : tuple of int
        Which objects.
    frames : frozenset of int or None
        Which frames; None for all.
    direction : {"forward", "backward", "both"}
        See `plan_propagation`.
    rule : StopRule
        When an object ends.
    """

    object_ids: tuple[int, ...]
    frames: frozenset[int] | None
    direction: Direction
    rule: StopRule


class Propagation:
    """The propagation of a session; at most one runs.

    Parameters
    ----------
    ledger : Ledger
        The objects.
    recall : Recall
        What was made before.
    """

    def __init__(self, ledger: Ledger, recall: Recall, drops_islands: bool = False) -> None:
        self._ledger = ledger
        self._recall = recall
        self._tracker = Tracker(recall, drops_islands)
        self._run: Run | None = None

    def start(
        self, request: Request, progress: Callable[[Progress], None] | None
    ) -> Generator[MaskUpdate, None, None]:
        """Track, and yield what was found; the parameters are those of `Session.propagate`."""
        self.end()
        objects = self._ledger.objects
        steps = self._plan(request)
        before = {i: objects[i].copy() for i in request.object_ids if i in objects}
        run = self._run = Run(request.rule, before)
        try:
            for done, step in enumerate(steps, start=1):
                updates = self._take_step(run, step)
                if progress is not None:
                    progress(Progress(done, len(steps), f"frame {step.frame}"))
                for update in updates:
                    yield update
                    if run.ended:
                        return
        finally:
            if self._run is run:
                self.end()

    def end(self) -> None:
        """Close a running propagation, so that it is one action of the history."""
        run, self._run = self._run, None
        if run is None:
            return
        run.ended = True
        change = compare("propagate", run.before, self._ledger.objects, run.before)
        if change.objects:
            self._ledger.history.push(change)

    def _plan(self, request: Request) -> list[Step]:
        objects, n_frames = self._ledger.objects, self._recall.stack.n_frames
        states = [objects[i] for i in request.object_ids if i in objects]
        pending = {s.object_id: s.pending(n_frames) for s in states}
        wanted = request.frames
        if wanted is not None:
            pending = {i: [f for f in frames if f in wanted] for i, frames in pending.items()}
        first = next((r for s in states for r in s.records.values()), None)
        kept = self._recall.embeddings_kept(first.view) if first else 0
        prompted = {s.object_id: s.prompted for s in states}
        corrected = {s.object_id: s.corrected for s in states}
        return plan_propagation(prompted, pending, request.direction, kept, corrected)

    def _take_step(self, run: Run, step: Step) -> list[MaskUpdate]:
        """Track all objects of a step; every result is in the session before the first is shown."""
        objects = self._ledger.objects
        changes: list[ObjectChange] = []
        live: list[Task] = []
        for task in step.tasks:
            state = objects[task.object_id]
            if run.is_stopped(state, step.frame, task):
                changes.append(self._settle(state, step.frame, None))
            else:
                live.append(task)
        states = [objects[task.object_id] for task in live]
        for job, record in list(self._tracker.track(step.frame, states, live)):
            record = self._judged(run, job.state, job.task, step.frame, record)
            changes.append(self._settle(job.state, step.frame, record))
        return self._ledger.publish(changes)

    def _settle(self, state: ObjectState, frame: int, record: FrameRecord | None) -> ObjectChange:
        """Put a tracked mask, or none, where it belongs."""
        old = state.records.get(frame)
        state.settled.add(frame)
        self._ledger.put(state, frame, record)
        return ObjectChange.of_frame(state, frame, old)

    def _judged(
        self, run: Run, state: ObjectState, task: Task, frame: int, record: FrameRecord
    ) -> FrameRecord:
        """Apply the stop rule and compare with the frame before."""
        before = state.records.get(frame - task.direction)
        is_absent = run.rule.is_absent(record.mask.area, record.scores.object_score)
        if is_absent and run.rule.heeds_absence:
            kept = _continuing(state.records.get(frame), before)
            if kept is not None:
                record = replace(kept, direction=task.direction, since=task.since)
        reason = run.see(task, record.mask.area, record.scores.object_score)
        if reason == "growth":
            record = self._recall.without_mask(record)
        overlap = _overlap(record, before) if before is not None else float("nan")
        return replace(record, scores=replace(record.scores, overlap=overlap, stopped=reason))


def _continuing(earlier: FrameRecord | None, before: FrameRecord | None) -> FrameRecord | None:
    """Return what an earlier pass found on a frame, if it continues the object from the frame before.

    A correction elsewhere says how the object looks; it does not take it from the frames where it was found.
    """
    if earlier is None or before is None or earlier.scores.stopped:
        return None
    is_found = earlier.mask.area and earlier.scores.object_score > 0
    return earlier if is_found and _overlap(earlier, before) > _CONTINUES else None


def _overlap(record: FrameRecord, before: FrameRecord) -> float:
    """Return the IoU of two masks; 1 if both are empty."""
    window = union(before.mask.window, record.mask.window)
    return mask_iou(before.mask.inside(window), record.mask.inside(window))
