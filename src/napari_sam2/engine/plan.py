"""In which order frames are tracked."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

__all__ = ["Direction", "Step", "Task", "plan_propagation"]

Direction: TypeAlias = Literal["forward", "backward", "both"]


@dataclass(frozen=True, slots=True)
class Task:
    """One object on one frame.

    Parameters
    ----------
    object_id : int
        Which object.
    source : int
        The last prompted frame behind it.
    direction : {1, -1}
        Of the pass.
    since : int or None
        The frame that the pass began at; it sees prompted frames and its own, but nothing that another pass has tracked,
        so that the masks do not depend on the order in which "both" visits the frames. None: it sees all of them.
    """

    object_id: int
    source: int
    direction: int
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The objects that are tracked on one frame at once."""

    frame: int
    tasks: tuple[Task, ...]


def plan_propagation(
    prompted: Mapping[int, Sequence[int]],
    pending: Mapping[int, Iterable[int]],
    direction: Direction,
    embeddings_kept: int,
    corrected: Mapping[int, Collection[int]] = MappingProxyType({}),
) -> list[Step]:
    """Order the frames that are to be tracked.

    Parameters
    ----------
    prompted : dict of int to sequence of int
        Per object, its prompted frames, ascending. Objects without any are left out.
    pending : dict of int to iterable of int
        Per object, the frames to track.
    direction : {"forward", "backward", "both"}
        "forward": one pass from the first prompted frame on; "backward": one from the last; "both": every frame from the
        nearest prompted one, nearest frames first. There a correction begins no pass: those of first clicks go through it,
        so that what was right on the way is not put at risk, and what lies behind it is found with all that was seen.
    embeddings_kept : int
        How many frames' embeddings the cache holds. Where "both" would come back to more frames than that, it makes two
        sweeps instead, so that no frame is encoded more than twice.
    corrected : dict of int to collection of int
        Per object, the prompted frames that had been tracked before they were prompted.

    Returns
    -------
    list of Step
    """
    visits: dict[tuple[int, int], list[Task]] = defaultdict(list)
    for object_id, anchors in prompted.items():
        for frame in pending.get(object_id, ()):
            task = _task(object_id, frame, anchors, direction, corrected.get(object_id, ()))
            if task is not None:
                begin = task.source if task.since is None else task.since
                visits[frame, abs(frame - begin)].append(task)
    frames = {frame for frame, _ in visits}
    returns = len(visits) > len(frames)
    if direction != "both" or (returns and len(frames) > embeddings_kept):
        return _sweeps(visits)
    order = sorted(visits, key=lambda visit: (visit[1], visit[0]))
    return [Step(frame, tuple(visits[frame, distance])) for frame, distance in order]


def _task(
    object_id: int,
    frame: int,
    anchors: Sequence[int],
    direction: Direction,
    corrected: Collection[int],
) -> Task | None:
    """Tell where an object comes from on a frame, or None if the pass does not reach it."""
    begins = [f for f in anchors if f not in corrected] if direction == "both" else anchors
    begins = begins or anchors
    if not begins:
        return None
    before, after = _neighbours(begins, frame)
    if direction == "forward" or after is None:
        begin, sign = before, 1
    elif direction == "backward" or before is None:
        begin, sign = after, -1
    elif frame - before <= after - frame:
        begin, sign = before, 1
    else:
        begin, sign = after, -1
    if begin is None or (direction, sign) in (("forward", -1), ("backward", 1)):
        return None
    source = _neighbours(anchors, frame)[0 if sign > 0 else 1]
    assert source is not None
    return Task(object_id, source, sign, begin if direction == "both" else None)


def _neighbours(frames: Sequence[int], frame: int) -> tuple[int | None, int | None]:
    """Return the last one before a frame and the first one behind it, of ascending frames without it."""
    i = bisect_left(frames, frame)
    return (frames[i - 1] if i else None), (frames[i] if i < len(frames) else None)


def _sweeps(visits: dict[tuple[int, int], list[Task]]) -> list[Step]:
    """Join all objects on each frame: forwards ascending, then backwards descending."""
    steps: list[Step] = []
    for sign in (1, -1):
        by_frame: dict[int, list[Task]] = defaultdict(list)
        for (frame, _), tasks in visits.items():
            by_frame[frame] += [task for task in tasks if task.direction == sign]
        for frame in sorted(by_frame, reverse=sign < 0):
            if by_frame[frame]:
                steps.append(Step(frame, tuple(by_frame[frame])))
    return steps
