"""Undo and redo over the whole session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from napari_sam2.session.state import Facts, FrameRecord, ObjectState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_sam2.prompts import Prompt

__all__ = ["Change", "Difference", "History", "ObjectChange", "compare"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Difference(Generic[T]):
    """What differs between two dicts by key; None where a key was not there."""

    old: dict[int, T | None] = field(default_factory=dict)
    new: dict[int, T | None] = field(default_factory=dict)

    @classmethod
    def between(cls, old: Mapping[int, T], new: Mapping[int, T]) -> Difference[T]:
        """Compare values by identity: they are immutable."""
        keys = [k for k in old.keys() | new.keys() if old.get(k) is not new.get(k)]
        return cls({k: old.get(k) for k in keys}, {k: new.get(k) for k in keys})

    def apply(self, target: dict[int, T]) -> None:
        """Bring a dict from the old to the new values."""
        for key, value in self.new.items():
            if value is None:
                target.pop(key, None)
            else:
                target[key] = value

    def reversed(self) -> Difference[T]:
        """Exchange old and new."""
        return Difference(self.new, self.old)


@dataclass(frozen=True, slots=True, eq=False)
class ObjectChange:
    """How one object differs before and after an action; only what differs is held.

    Parameters
    ----------
    object_id : int
        Which object.
    existed, exists : bool
        Before and after.
    prompts, records : Difference
        By frame.
    settled, unsettled : frozenset of int
        Frames that became up to date, or out of date.
    facts : (Facts, Facts)
        Before and after.
    """

    object_id: int
    existed: bool
    exists: bool
    prompts: Difference[tuple[Prompt, ...]]
    records: Difference[FrameRecord]
    settled: frozenset[int]
    unsettled: frozenset[int]
    facts: tuple[Facts, Facts]

    @classmethod
    def between(cls, object_id: int, old: ObjectState | None, new: ObjectState | None) -> Self:
        """Compare an object with itself; None where it does not exist."""
        before = old or ObjectState(object_id)
        after = new or ObjectState(object_id)
        return cls(
            object_id,
            old is not None,
            new is not None,
            Difference.between(before.prompts, after.prompts),
            Difference.between(before.records, after.records),
            frozenset(after.settled - before.settled),
            frozenset(before.settled - after.settled),
            (before.facts, after.facts),
        )

    @classmethod
    def of_frame(cls, state: ObjectState, frame: int, old: FrameRecord | None) -> Self:
        """Describe an object on one frame that was just tracked, given what was there before."""
        new = state.records.get(frame)
        records: Difference[FrameRecord] = (
            Difference() if old is new else Difference({frame: old}, {frame: new})
        )
        settled = frozenset({frame})
        facts = (state.facts, state.facts)
        return cls(state.object_id, True, True, Difference(), records, settled, frozenset(), facts)

    @property
    def is_nothing(self) -> bool:
        """Whether the object is as it was."""
        return self.existed == self.exists and not (
            self.prompts.new
            or self.records.new
            or self.settled
            or self.unsettled
            or self.facts[0] != self.facts[1]
        )

    def reversed(self) -> ObjectChange:
        """Return the change that takes this one back."""
        return ObjectChange(
            self.object_id,
            self.exists,
            self.existed,
            self.prompts.reversed(),
            self.records.reversed(),
            self.unsettled,
            self.settled,
            (self.facts[1], self.facts[0]),
        )

    def apply(self, objects: dict[int, ObjectState]) -> None:
        """Bring the object to its state after the change."""
        if not self.exists:
            objects.pop(self.object_id, None)
            return
        state = objects.setdefault(self.object_id, ObjectState(self.object_id))
        self.prompts.apply(state.prompts)
        self.records.apply(state.records)
        state.settled = (state.settled - self.unsettled) | self.settled
        state.facts = self.facts[1]


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One action of the user, over all objects that it touched."""

    what: str
    objects: tuple[ObjectChange, ...]

    def reversed(self) -> Change:
        """Return the change that takes this one back."""
        return Change(self.what, tuple(c.reversed() for c in self.objects))

    def apply(self, objects: dict[int, ObjectState]) -> None:
        """Bring the objects to their state after the change."""
        for change in self.objects:
            change.apply(objects)


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
    changes = (ObjectChange.between(i, before.get(i), now.get(i)) for i in object_ids)
    return Change(what, tuple(c for c in changes if not c.is_nothing))


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
