"""Objects are carried from frame to frame, many at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import torch

from napari_sam2.engine import inference
from napari_sam2.engine.memory_bank import batch_memories
from napari_sam2.engine.transforms import View, view_of
from napari_sam2.model.device import available_memory
from napari_sam2.model.threads import threads_for
from napari_sam2.session.islands import without_islands
from napari_sam2.session.views import centre_of_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from napari_sam2.engine.plan import Task
    from napari_sam2.model.network import SAM2
    from napari_sam2.session.recall import Recall
    from napari_sam2.session.state import FrameRecord, ObjectState

__all__ = ["Job", "Tracker"]

_LARGEST_BATCH: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One object to be tracked on a frame."""

    state: ObjectState
    task: Task
    view: View


class Tracker:
    """Track objects.

    Parameters
    ----------
    recall : Recall
        What was made before.
    drops_islands : bool
        Whether parts of a mask that touch nothing of the mask before are left out, and small holes filled.
    """

    def __init__(self, recall: Recall, drops_islands: bool = False) -> None:
        self.recall = recall
        self._drops_islands = drops_islands
        self._largest_batch = _LARGEST_BATCH

    @property
    def model(self) -> SAM2:
        """The network, wherever it is now."""
        return self.recall.model

    def track(
        self, frame: int, states: Sequence[ObjectState], tasks: Sequence[Task]
    ) -> Iterator[tuple[Job, FrameRecord]]:
        """Carry objects to a frame, in batches that fit the free memory.

        Parameters
        ----------
        frame : int
            Where to.
        states, tasks : sequence of ObjectState, sequence of Task
            The objects, and where each comes from.

        Yields
        ------
        (Job, FrameRecord)
            In no particular order.
        """
        jobs = [
            Job(state, task, self._view(state, frame, task))
            for state, task in zip(states, tasks, strict=True)
        ]
        # one batch has one input side; objects with as many prompts need no padding
        jobs.sort(key=lambda job: (job.view.side, len(job.state.prompts)))
        while jobs:
            side = jobs[0].view.side
            same = sum(job.view.side == side for job in jobs)
            size = min(self._batch_size(side), same)
            yield from self._track_or_halve(frame, jobs[:size])
            jobs = jobs[size:]

    def _view(self, state: ObjectState, frame: int, task: Task) -> View:
        """Let the window follow the object from the frame before."""
        before = _before(state, frame, task)
        plane_shape, config = self.recall.stack.plane_shape, self.model.config
        return view_of(plane_shape, config, centre_of_record(before), state.facts.extent)

    @staticmethod
    def _seed(frame: int, job: Job) -> np.ndarray:
        """Find the low-resolution pixels of a frame where the object was on the frame before."""
        before = _before(job.state, frame, job.task).mask
        return job.view.cells_of_mask(before.inside(job.view.window))

    def _track_or_halve(self, frame: int, jobs: list[Job]) -> list[tuple[Job, FrameRecord]]:
        """Track a batch; where the device runs out of memory, go on with half as many at a time, at last on the processor."""
        if len(jobs) == 1:
            return self.recall.fit(lambda: self._track_batch(frame, jobs))
        try:
            return self._track_batch(frame, jobs)
        except torch.OutOfMemoryError:
            pass
        self._largest_batch = half = len(jobs) // 2
        first, second = jobs[:half], jobs[half:]
        return [*self._track_or_halve(frame, first), *self._track_or_halve(frame, second)]

    def _track_batch(self, frame: int, jobs: list[Job]) -> list[tuple[Job, FrameRecord]]:
        with threads_for(self.model.config, jobs[0].view.side):
            return self._track_rows(frame, jobs)

    def _track_rows(self, frame: int, jobs: list[Job]) -> list[tuple[Job, FrameRecord]]:
        recall, model, view = self.recall, self.model, jobs[0].view
        choices, memories = [], []
        for job in jobs:
            choice = recall.choice(job.state, frame, job.task.direction, job.task.since)
            choices.append(choice)
            memories.append({f: recall.memory(job.state.records[f], f) for f in choice.frames})
        embeddings = recall.embeddings_of(frame, [job.view for job in jobs])
        features, high_res = inference.stack_embeddings([embeddings[job.view] for job in jobs])
        batch = batch_memories(choices, memories, recall.stack.n_frames, model.device)
        conditioned = inference.condition(model, features, batch)
        decision = inference.carry(model, conditioned, high_res)
        if self._drops_islands:
            decision = without_islands(decision, [self._seed(frame, job) for job in jobs])
        score = decision.object_score
        maps = inference.encode_memory(model, view, features, decision.logits, score, False)
        results = []
        for row, job in enumerate(jobs):
            made = recall.record(decision, row, job.view)
            since, direction = job.task.since, job.task.direction
            record = replace(made, direction=direction, since=since, origin=made.version)
            recall.memories.put(record.version, maps[row].clone(), decision.pointer[row].clone())
            recall.conditioned.put(record.origin, conditioned[row : row + 1].clone())
            results.append((job, record))
        return results

    def _batch_size(self, side: int) -> int:
        """Choose how many objects are tracked at once: what a quarter of the free memory holds."""
        config, tokens = self.model.config, (side // 16) ** 2
        attention = tokens * (2 * config.feedforward_dim + 24 * config.d_model)
        masks = 16 * tokens * (config.d_model // 2 + 32)
        per_object = 4 * (attention + masks)
        fitting = available_memory(self.model.device) // (4 * per_object)
        return int(min(max(fitting, 1), self._largest_batch))


def _before(state: ObjectState, frame: int, task: Task) -> FrameRecord:
    """Return the record of the frame before, or else of the frame from which the object comes."""
    return state.records.get(frame - task.direction) or state.records[task.source]
