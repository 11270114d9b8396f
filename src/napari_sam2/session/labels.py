"""The labels of the whole stack, and how the objects' masks are painted into them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_sam2.engine.masks import Claim, Overlap, compose, intersect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sam2.results import Window
    from napari_sam2.session.recall import Recall
    from napari_sam2.session.state import FrameRecord, ObjectState

__all__ = ["Labels"]


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

    Attributes
    ----------
    array : ndarray of uint16, or uint32 once an id needs it, (frame, y, x)
        0 is the background. Memory is taken frame by frame, when something is painted there.
    """

    def __init__(self, shape: tuple[int, int, int], recall: Recall, overlap: Overlap) -> None:
        self.array: np.ndarray = np.zeros(shape, dtype=np.uint16)
        self._recall = recall
        self._overlap = overlap

    def repaint(self, objects: Mapping[int, ObjectState], frame: int, window: Window) -> np.ndarray:
        """Paint a window of a frame again and return its labels.

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
        ndarray of unsigned int, (y1 - y0, x1 - x0)
        """
        y0, x0, y1, x1 = window
        claims = []
        for object_id in self._order(objects, frame):
            record = objects[object_id].records.get(frame)
            if record is not None and intersect(record.mask.window, window) is not None:
                logits = partial(self._logits_in, record, window)
                claims.append(Claim(object_id, record.mask.inside(window), logits))
        labels = compose(claims, (y1 - y0, x1 - x0), self._overlap)
        if labels.size and labels.max() > np.iinfo(self.array.dtype).max:
            self.array = self.array.astype(np.uint32)
        labels = labels.astype(self.array.dtype)
        self.array[frame, y0:y1, x0:x1] = labels
        return labels

    def _order(self, objects: Mapping[int, ObjectState], frame: int) -> list[int]:
        """Order objects by id or, where the newest mask wins, by the time their masks were made."""
        ids = sorted(objects)
        if self._overlap == "newest":
            records = {i: objects[i].records.get(frame) for i in ids}
            ids.sort(key=lambda i: record.version if (record := records[i]) else 0)
        return ids

    def _logits_in(self, record: FrameRecord, window: Window) -> np.ndarray:
        """Return a record's logits inside a window, -inf where the model did not look."""
        y0, x0, y1, x1 = window
        out = np.full((y1 - y0, x1 - x0), -np.inf, dtype=np.float32)
        common = intersect(window, record.view.window)
        if common is None:
            return out
        full = record.view.to_data(self._recall.logits_of(record)).numpy()
        vy, vx = record.view.window[:2]
        cy0, cx0, cy1, cx1 = common
        out[cy0 - y0 : cy1 - y0, cx0 - x0 : cx1 - x0] = full[
            cy0 - vy : cy1 - vy, cx0 - vx : cx1 - vx
        ]
        return out
