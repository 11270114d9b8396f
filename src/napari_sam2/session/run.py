"""One running propagation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_sam2.engine.stop_rule import StopRule, StopWatch
from napari_sam2.session.requests import says_present

if TYPE_CHECKING:
    from napari_sam2.engine.plan import Task
    from napari_sam2.session.state import ObjectState

__all__ = ["Run"]


@dataclass(slots=True, eq=False)
class Run:
    """What a propagation remembers between frames.

    Attributes
    ----------
    rule : StopRule
        When an object ends.
    before : dict of int to ObjectState
        Copies of the objects from before the run, for undo.
    ended : bool
        Set when it is over, or when another action came in between.
    """

    rule: StopRule
    before: dict[int, ObjectState]
    ended: bool = False
    _watches: dict[Task, StopWatch] = field(default_factory=dict)
    _stopped: set[Task] = field(default_factory=set)

    def is_stopped(self, state: ObjectState, frame: int, task: Task) -> bool:
        """Tell whether the object ended on an earlier frame of its pass; also where an earlier run saw it end."""
        if task not in self._watches:
            area = state.records[task.source].mask.area
            self._watches[task] = StopWatch(self.rule, area)
            is_denied = not area and not says_present(state.prompts[task.source])
            if is_denied and self.rule.heeds_absence:
                self._stopped.add(task)
            self._catch_up(state, frame, task)
        return task in self._stopped

    def _catch_up(self, state: ObjectState, frame: int, task: Task) -> None:
        """Look at what earlier runs tracked in this pass: settled frames without a mask lie behind its end."""
        for earlier in range(task.source + task.direction, frame, task.direction):
            if earlier not in state.settled:
                continue
            record = state.records.get(earlier)
            if record is None or record.scores.stopped:
                self._stopped.add(task)
                return
            self._watches[task].see(record.mask.area, record.scores.object_score)

    def see(self, task: Task, area: int, object_score: float) -> str:
        """Take in a tracked frame; return why the object ends here, or ""."""
        reason = self._watches[task].see(area, object_score)
        if reason:
            self._stopped.add(task)
        return reason
