"""Undo and redo over the whole session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from napari_sam2.session.state import FrameRecord, ObjectState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_sam2.prompts import Prompt

__all__ = ["Change", "History", "ObjectChange", "compare"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Difference(Generic[T]):
    """What differs between two dicts by key; None where a key was not there."""

    old: dict[int, T | None]
    new: dict[int, T | None]

    @classmethod
    def between(cls, old: Mapping[int, T], new: Mapping[int, T]) -> _Difference[T]:
        keys = [k for k in old.keys() | new.keys() if old.get(k) is not new.get(k)]
        return cls({k: old.get(k) for k in keys}, {k: new.get(k) for k in keys})

    def apply(self, target: dict[int, T], forward: bool) -> None:
        for key, value in (self.new if forward else self.old).items():
            if value is None:
                target.pop(key, None)
            else:
                target[key] = value


@dataclass(frozen=True, slots=True, eq=False)
class ObjectChange:
    """How one object differs before and after an action; only what differs is held."""

    object_id: int
    existed: bool
    exists: bool
    prompts: _Difference[tuple[Prompt, ...]]
    records: _Difference[FrameRecord]
    settled: frozenset[int]
    unsettled: frozenset[int]
    extent: tuple[int | None, int | None]

    def apply(self, objects: dict[int, ObjectState], forward: bool) -> None:
        """Bring the object to its state after (forward) or before the action."""
        if not (self.exists if forward else self.existed):
            del objects[self.object_id]
            return
        state = objects.setdefault(self.object_id, ObjectState(self.object_id))
        self.prompts.apply(state.prompts, forward)
        self.records.apply(state.records, forward)
        add, remove = self.settled, self.unsettled
        if not forward:
            add, remove = remove, add
        state.settled = (state.settled - remove) | add
        state.extent = self.extent[forward]


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One action of the user, over all objects that it touched."""

    what: str
    objects: tuple[ObjectChange, ...]

    def apply(self, objects: dict[int, ObjectState], forward: bool) -> list[tuple[int, int]]:
        """Redo (forward) or undo; return the (object_id, frame) pairs whose mask changed."""
        for change in self.objects:
            change.apply(objects, forward)
        return [(c.object_id, frame) for c in self.objects for frame in sorted(c.records.new)]


def compare(
    what: str,
    before: Mapping[int, ObjectState],
    now: Mapping[int, ObjectState],
    object_ids: Iterable[int],
) -> Change:
    """Find what an action changed in the objects it touched.

    Parameters
    ----------
    what : str
        A short text for a menu, such as "add prompt".
    before : mapping of int to ObjectState
        Copies made before the action; objects that did not exist are missing.
    now : mapping of int to ObjectState
        All objects after the action.
    object_ids : iterable of int
        Objects that the action touched.
    """
    changes = []
    for object_id in object_ids:
        nothing = ObjectState(object_id)
        old, new = before.get(object_id, nothing), now.get(object_id, nothing)
        changes.append(
            ObjectChange(
                object_id,
                object_id in before,
                object_id in now,
                _Difference.between(old.prompts, new.prompts),
                _Difference.between(old.records, new.records),
                frozenset(new.settled - old.settled),
                frozenset(old.settled - new.settled),
                (old.extent, new.extent),
            )
        )
    return Change(what, tuple(changes))


class History:
    """Changes that can be undone, and undone ones that can be redone.

    Parameters
    ----------
    most : int
        Changes held; the oldest are forgotten first.
    """

    def __init__(self, most: int = 1000) -> None:
        self.most = most
        self.done: list[Change] = []
        self.undone: list[Change] = []

    def push(self, change: Change) -> None:
        """Remember a new action; what was undone before it can't be redone any more."""
        self.done.append(change)
        del self.done[: -self.most]
        self.undone.clear()

    def undo(self) -> Change | None:
        """Take back the last action; None if there is none."""
        return self._move(self.done, self.undone)

    def redo(self) -> Change | None:
        """Repeat the last action that was taken back; None if there is none."""
        return self._move(self.undone, self.done)

    @staticmethod
    def _move(source: list[Change], target: list[Change]) -> Change | None:
        if not source:
            return None
        target.append(source.pop())
        return target[-1]
