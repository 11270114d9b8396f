"""All objects, and every change to them: remembered for undo, painted, and written to the journal."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_sam2.engine.masks import NO_MASK, union
from napari_sam2.errors import SessionError
from napari_sam2.results import NO_SCORES, MaskUpdate
from napari_sam2.session.claims import without_locked
from napari_sam2.session.history import History, ObjectChange, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np

    from napari_sam2.prompts import Prompt
    from napari_sam2.results import Window
    from napari_sam2.session.history import Change
    from napari_sam2.session.journal import Journal
    from napari_sam2.session.labels import Labels
    from napari_sam2.session.state import FrameRecord, ObjectState

__all__ = ["Action", "Ledger"]


@dataclass(slots=True, eq=False)
class Action:
    """One action of the user; what changed on the screen is there when it is over."""

    updates: list[MaskUpdate] = field(default_factory=list)


class Ledger:
    """The objects of a session and the only way to change them.

    Parameters
    ----------
    labels : Labels
        Painted with every change.

    Attributes
    ----------
    objects : dict of int to ObjectState
        By id.
    history : History
        For undo.
    revision : int
        Grows with every painted window.
    highest_id : int
        Ids up to this one were used.
    journal : Journal or None
        Where every change is written at once.
    """

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.objects: dict[int, ObjectState] = {}
        self.history = History()
        self.revision = 0
        self.highest_id = 0
        self.journal: Journal | None = None

    def state(self, object_id: int) -> ObjectState:
        """Return an object.

        Raises
        ------
        SessionError
            If it does not exist.
        """
        state = self.objects.get(object_id)
        if state is None:
            raise SessionError(
                f"object {object_id!r} does not exist; there are {sorted(self.objects)}. Add a "
                "prompt to make it."
            )
        return state

    def unlocked(self, object_id: int) -> ObjectState:
        """Return an object that is to be changed.

        Raises
        ------
        SessionError
            If it does not exist or is locked.
        """
        state = self.state(object_id)
        if state.facts.locked:
            raise SessionError(
                f"object {object_id} is locked, so it is not changed; unlock it first."
            )
        return state

    def new_id(self) -> int:
        """Take an id that was never used."""
        self.highest_id += 1
        return self.highest_id

    # changes

    @contextmanager
    def action(self, what: str, object_ids: Iterable[int]) -> Iterator[Action]:
        """Make one undoable action of what is done to objects inside; an error leaves them as they were.

        Parameters
        ----------
        what : str
            A short text for a menu.
        object_ids : iterable of int
            Every object that may be changed; those with new ids are found.

        Yields
        ------
        Action
            Its updates are there after the block.
        """
        object_ids = list(object_ids)
        before = {i: self.objects[i].copy() for i in object_ids if i in self.objects}
        highest = self.highest_id
        action = Action()
        try:
            yield action
        except BaseException:
            for i in [i for i in self.objects if i in object_ids or i > highest]:
                del self.objects[i]
            self.objects.update(before)
            self.highest_id = highest
            raise
        self.highest_id = max([self.highest_id, *self.objects])
        touched = sorted({*object_ids, *(i for i in self.objects if i > highest)})
        change = compare(what, before, self.objects, touched)
        if change.objects:
            self.history.push(change)
            action.updates += self.publish(change.objects)

    def put(self, state: ObjectState, frame: int, record: FrameRecord | None) -> None:
        """Give an object another mask on a frame; pixels of locked objects are left out of it."""
        if record is None:
            state.records.pop(frame, None)
        else:
            state.records[frame] = without_locked(self.objects, state.object_id, frame, record)
        if frame in state.facts.accepted:
            state.add_facts(accepted=state.facts.accepted - {frame})

    def prompt(
        self, state: ObjectState, frame: int, prompts: tuple[Prompt, ...], record: FrameRecord
    ) -> None:
        """Make a frame a prompted one; what depends on it is out of date."""
        state.prompts[frame] = prompts
        state.unsettle_around(frame)
        self.put(state, frame, record)

    def deny(
        self,
        state: ObjectState,
        frame: int,
        prompts: tuple[Prompt, ...],
        record: FrameRecord,
        gone: Iterable[int],
    ) -> None:
        """Make a frame a prompted one without the object, and take the masks of others that go with it; the rest is up to date."""
        state.prompts[frame] = prompts
        self.put(state, frame, record)
        for other in gone:
            self.put(state, other, None)
            state.settled.add(other)

    def undo(self) -> list[MaskUpdate]:
        """Take the last action back."""
        change = self.history.undo()
        return [] if change is None else self._replay(change.reversed())

    def redo(self) -> list[MaskUpdate]:
        """Repeat the last action that was taken back."""
        change = self.history.redo()
        return [] if change is None else self._replay(change)

    def _replay(self, change: Change) -> list[MaskUpdate]:
        change.apply(self.objects)
        return self.publish(change.objects)

    # what is shown

    def publish(self, changes: Sequence[ObjectChange]) -> list[MaskUpdate]:
        """Paint what changed, write it to the journal, and say it."""
        updates, painted = [], []
        for change in changes:
            for frame in sorted(change.records.new):
                old, new = change.records.old[frame], change.records.new[frame]
                window = union(*(r.mask.window if r else NO_MASK.window for r in (old, new)))
                area = self.labels.repaint(self.objects, frame, window)
                painted.append(area)
                updates.append(self._update(change.object_id, new, area.labels, frame, window))
        if self.journal is not None:
            self.journal.append(changes, painted, self.highest_id)
        return updates

    def current(self, object_id: int, frame: int) -> MaskUpdate:
        """Say once more what an object looks like on a frame."""
        record = self.state(object_id).records.get(frame)
        window = record.mask.window if record else NO_MASK.window
        return self._update(object_id, record, self.labels.shown(frame, window), frame, window)

    def _update(
        self,
        object_id: int,
        record: FrameRecord | None,
        labels: np.ndarray,
        frame: int,
        window: Window,
    ) -> MaskUpdate:
        self.revision += 1
        mask = (record.mask if record else NO_MASK).inside(window)
        scores = record.scores if record else NO_SCORES
        return MaskUpdate(object_id, frame, window, mask, labels, scores, self.revision)
