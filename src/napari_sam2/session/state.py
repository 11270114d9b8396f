"""What the session knows of one object: prompts and masks by frame."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_sam2.engine.masks import CompactMask
    from napari_sam2.engine.transforms import View
    from napari_sam2.prompts import Prompt
    from napari_sam2.results import Scores

__all__ = ["Facts", "FrameRecord", "ObjectState"]


@dataclass(frozen=True, slots=True, eq=False)
class FrameRecord:
    """The mask of one object on one frame, and how it came about.

    Parameters
    ----------
    version : int
        Unique in the session; what is cached for this mask is found by it.
    mask : CompactMask
        In data pixels.
    scores : Scores
        How far it can be trusted.
    view : View
        What the model was shown.
    direction : {-1, 0, 1}
        Of the pass in which the frame was tracked; 0 if it never was. A corrected frame keeps it.
    index : int
        The mask that was chosen: 0 the single one, 1 to 3 one of the three, -1 taken from the user as it is.
    prompted : bool
        Whether it came from prompts: its memory is then binarised.
    since : int or None
        It was tracked with the memories of its own pass, which began at this frame; None: with those of all passes.
    origin : int
        Version of the record that tracking made on this frame, before it was prompted, if it did; the
        memory-conditioned features are found by it while the user clicks.
    """

    version: int
    mask: CompactMask
    scores: Scores
    view: View
    direction: int = 0
    index: int = 0
    prompted: bool = False
    since: int | None = None
    origin: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What holds for an object as a whole.

    Parameters
    ----------
    extent : int or None
        Side of the window shown to the model, in data pixels; None for the whole plane.
    name : str
        Given by the user; "" until then.
    locked : bool
        Finished: it is not changed, and its pixels are not given to others.
    accepted : frozenset of int
        Frames of which the user said that the mask is right.
    """

    extent: int | None = None
    name: str = ""
    locked: bool = False
    accepted: frozenset[int] = frozenset()


@dataclass(slots=True, eq=False)
class ObjectState:
    """One object.

    Attributes
    ----------
    object_id : int
        Value in the labels.
    prompts : dict of int to tuple of Prompt
        By frame, in the order in which they were given. These frames are the prompted, trusted ones.
    records : dict of int to FrameRecord
        By frame.
    settled : set of int
        Tracked frames that are up to date, also those where the object was found to be absent.
    facts : Facts
        Name, lock, and what else holds for the object as a whole.
    """

    object_id: int
    prompts: dict[int, tuple[Prompt, ...]] = field(default_factory=dict)
    records: dict[int, FrameRecord] = field(default_factory=dict)
    settled: set[int] = field(default_factory=set)
    facts: Facts = Facts()

    def copy(self) -> ObjectState:
        """Copy the containers; what they hold is immutable."""
        return ObjectState(
            self.object_id,
            dict(self.prompts),
            dict(self.records),
            set(self.settled),
            self.facts,
        )

    def add_facts(self, **changed: Any) -> None:
        """Replace some of the facts."""
        self.facts = replace(self.facts, **changed)

    @property
    def prompted(self) -> list[int]:
        """Prompted frames, ascending."""
        return sorted(self.prompts)

    @property
    def corrected(self) -> set[int]:
        """Prompted frames that had been tracked before."""
        return {f for f in self.prompts if f in self.records and self.records[f].direction}

    def pending(self, n_frames: int) -> list[int]:
        """Frames that are neither prompted nor up to date, ascending; none without a prompt."""
        if not self.prompts:
            return []
        done = self.settled | self.prompts.keys()
        return [frame for frame in range(n_frames) if frame not in done]

    def unsettle_around(self, frame: int) -> None:
        """Mark what lies between a frame and the prompted frames next to it as out of date."""
        prompted = self.prompted
        before = prompted[: bisect_left(prompted, frame)]
        after = prompted[bisect_right(prompted, frame) :]
        low = before[-1] if before else -1
        high = after[0] if after else None
        self.settled = {f for f in self.settled if f <= low or (high is not None and f >= high)}
        self.settled.discard(frame)

    def tracked_frames(self, direction: int, since: int | None) -> set[int]:
        """Return frames whose tracked, up to date masks may serve as memories.

        Parameters
        ----------
        direction : {1, -1}
            Of the pass that asks.
        since : int or None
            Only those of the pass that began here; None for all.
        """
        frames = self.settled & self.records.keys()
        if since is None:
            return frames
        return {f for f in frames if (f - since) * direction > 0}
