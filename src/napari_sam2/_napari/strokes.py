"""What is painted by hand with napari's brush in our labels becomes mask prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam2._napari.connections import Connections, connect
from napari_sam2._napari.coordinates import frame_in_view
from napari_sam2._napari.wishes import TakeMasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Labels

    from napari_sam2._napari.coordinates import Placement
    from napari_sam2._napari.messages import Request
    from napari_sam2._napari.painting import Painter

__all__ = ["Strokes", "masks_by_hand"]


class Strokes:
    """Notice strokes of napari's brush, eraser, fill and polygon in our labels.

    Parameters
    ----------
    labels : Labels
        The layer.
    painter : Painter
        Knows what we painted ourselves.
    placement : Placement
        Where the stack lies in it.
    dims : Dims
        Of the viewer.
    submit : callable
        Hands a `Request` to the worker.

    Attributes
    ----------
    are_prompts : bool
        Whether a stroke is taken over at once; else it stays a stroke until `take` is called.
    """

    def __init__(
        self,
        labels: Labels,
        painter: Painter,
        placement: Placement,
        dims: Any,
        submit: Callable[[Request], object],
    ) -> None:
        self.are_prompts = True
        self._labels = labels
        self._painter = painter
        self._placement = placement
        self._dims = dims
        self._submit = submit
        self._connections = Connections()
        self._connections.add(connect(labels.events.paint, self._on_paint))

    def close(self) -> None:
        """Notice nothing more."""
        self._connections.close()

    def take(self, frames: tuple[int, ...] | None = None) -> None:
        """Take what was painted by hand as mask prompts; on the frame in view unless frames are named."""
        here = (frame_in_view(self._labels, self._placement, self._dims),)
        for frame in here if frames is None else frames:
            masks = masks_by_hand(*self._painter.changed_by_hand(frame))
            if masks:
                self._submit(TakeMasks(frame, masks))

    def settle(self, taken: TakeMasks) -> None:
        """Show what the session made of strokes; if they were refused, what was there before."""
        self._painter.restore(taken.frame, taken.masks)

    def _on_paint(self, _event: Any = None) -> None:
        if self.are_prompts:
            is_deep = self._labels.n_edit_dimensions > 2 or self._is_sideways
            self.take(tuple(range(self._placement.n_frames)) if is_deep else None)

    @property
    def _is_sideways(self) -> bool:
        """Whether one stroke may go through several frames."""
        offset = int(self._dims.ndim) - self._labels.ndim
        planes = {self._labels.ndim - 2, self._labels.ndim - 1}
        return {axis - offset for axis in self._dims.displayed} != planes


def masks_by_hand(shown: np.ndarray, painted: np.ndarray) -> dict[int, np.ndarray]:
    """Return the objects that a hand has changed on a frame.

    Parameters
    ----------
    shown : ndarray of int, (y, x)
        What the layer shows.
    painted : ndarray of int, (y, x)
        What we painted there ourselves.

    Returns
    -------
    dict of int to ndarray of bool, (y, x)
        The whole mask of every object that was painted, and of those that were rubbed out. An object that only lost pixels to
        a painted one is not among them: the session sees to that.
    """
    by_hand = shown != painted
    if not by_hand.any():
        return {}
    new = np.unique(shown[by_hand])
    rubbed_out = np.unique(painted[by_hand & (shown == 0)])
    ids = sorted(int(i) for i in set(new) | set(rubbed_out) if i)
    return {object_id: shown == object_id for object_id in ids}
