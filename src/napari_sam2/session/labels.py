"""The labels of the whole stack, and how the objects' masks are painted into them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_sam2.engine.masks import Claim, Overlap, compose, intersect, union
from napari_sam2.session.label_store import LabelStore, new_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from napari_sam2.engine.masks import CompactMask
    from napari_sam2.results import Window
    from napari_sam2.session.recall import Recall
    from napari_sam2.session.state import FrameRecord, ObjectState

__all__ = ["Labels", "Painted"]


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A window of a frame that was painted.

    Parameters
    ----------
    frame : int
        Where.
    window : tuple of int
        ``(y0, x0, y1, x1)``, half open.
    labels : ndarray of unsigned int, (y1 - y0, x1 - x0)
        What is shown there now.
    contested : bool
        Whether objects overlap there, so that their masks alone do not tell who got a pixel.
    """

    frame: int
    window: Window
    labels: np.ndarray
    contested: bool


class Labels:
    """A label image that follows the objects.

    Parameters
    ----------
    shape : tuple of int
        (frame, y, x).
    recall : Recall
        Knows the logits that decide contested pixels.
    overlap : {"higher_logit", "first", "newest"}
        Who gets a contested pixel.
    place : {"auto", "memory"} or Path
        See `label_store.new_store`.

    Attributes
    ----------
    store : LabelStore
        (frame, y, x); 0 is the background.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        recall: Recall,
        overlap: Overlap,
        place: str | Path = "memory",
    ) -> None:
        self.store: LabelStore = new_store(shape, place)
        self._recall = recall
        self._overlap = overlap
        self._held: dict[tuple[int, CompactMask], np.ndarray] = {}
        self._held_frame = -1

    def repaint(self, objects: Mapping[int, ObjectState], frame: int, window: Window) -> Painted:
        """Paint a window of a frame again.

        Parameters
        ----------
        objects : mapping of int to ObjectState
            All objects.
        frame : int
            Where.
        window : tuple of int
            ``(y0, x0, y1, x1)``, half open.

        Returns
        -------
        Painted
        """
        y0, x0, y1, x1 = window
        if frame != self._held_frame:
            self._held_frame = frame
            self._held.clear()
        claims = []
        for object_id in self._order(objects, frame):
            record = objects[object_id].records.get(frame)
            if record is not None and intersect(record.mask.window, window) is not None:
                logits = partial(self._logits_in, record, window)
                claims.append(Claim(object_id, record.mask.inside(window), logits))
        labels = compose(claims, (y1 - y0, x1 - x0), self._overlap)
        claimed = sum(int(np.count_nonzero(claim.mask)) for claim in claims)
        contested = claimed > int(np.count_nonzero(labels))
        return Painted(frame, window, self.store.write(frame, window, labels), contested)

    def paste(self, frame: int, window: Window, labels: np.ndarray) -> None:
        """Show labels that were decided before."""
        self.store.write(frame, window, labels)

    def shown(self, frame: int, window: Window) -> np.ndarray:
        """Return the labels inside a window."""
        return self.store.read(frame, window)

    def summary(self, objects: Mapping[int, ObjectState]) -> Iterator[Painted]:
        """Yield, for every frame with masks, the window of all of them as it is shown."""
        windows: dict[int, Window] = {}
        areas: dict[int, int] = {}
        for state in objects.values():
            for frame, record in state.records.items():
                windows[frame] = union(windows.get(frame, (0, 0, 0, 0)), record.mask.window)
                areas[frame] = areas.get(frame, 0) + record.mask.area
        for frame, window in sorted(windows.items()):
            labels = self.shown(frame, window)
            yield Painted(frame, window, labels, areas[frame] > int(np.count_nonzero(labels)))

    def _order(self, objects: Mapping[int, ObjectState], frame: int) -> list[int]:
        """Order objects by id or, where the newest mask wins, by the time their masks were made."""
        ids = sorted(objects)
        if self._overlap == "newest":
            records = {i: objects[i].records.get(frame) for i in ids}
            ids.sort(key=lambda i: record.version if (record := records[i]) else 0)
        return ids

    def _logits_in(self, record: FrameRecord, window: Window) -> np.ndarray:
        """Return a record's logits inside a window, -inf where it has no pixel or the model did not look."""
        y0, x0, y1, x1 = window
        out = np.full((y1 - y0, x1 - x0), -np.inf, dtype=np.float32)
        seen = intersect(record.mask.window, record.view.window)
        common = None if seen is None else intersect(window, seen)
        if seen is None or common is None:
            return out
        own = self._logits_seen(record, seen)
        cy0, cx0, cy1, cx1 = common
        out[cy0 - y0 : cy1 - y0, cx0 - x0 : cx1 - x0] = own[
            cy0 - seen[0] : cy1 - seen[0], cx0 - seen[1] : cx1 - seen[1]
        ]
        return out

    def _logits_seen(self, record: FrameRecord, seen: Window) -> np.ndarray:
        """Return a record's logits where its mask lies; held while the same frame is painted."""
        key = (record.version, record.mask)
        held = self._held.get(key)
        if held is None:
            full = record.view.to_data(self._recall.logits_of(record)).numpy()
            vy, vx = record.view.window[:2]
            y0, x0, y1, x1 = seen
            held = self._held[key] = full[y0 - vy : y1 - vy, x0 - vx : x1 - vx].copy()
        return held
