"""Mask updates go into the Labels layer; only their window is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from superqt.utils import qthrottled

from napari_sam2._napari.coordinates import displayed_axes

if TYPE_CHECKING:
    from typing import Any

    from napari.layers import Labels

    from napari_sam2._napari.coordinates import Placement
    from napari_sam2.results import MaskUpdate

__all__ = ["Painter", "merge"]

_REFRESH_MS = 50


def merge(shown: np.ndarray, painted: np.ndarray, new: np.ndarray) -> None:
    """Bring new labels into what is shown; pixels that the user painted by hand stay hers.

    Parameters
    ----------
    shown : ndarray of int
        A view of what the layer shows; changed in place.
    painted : ndarray of int, same shape
        A view of what we painted there before; changed in place.
    new : ndarray of int, same shape
        What we paint now.
    """
    np.copyto(shown, new, where=shown == painted, casting="same_kind")
    painted[...] = new


class Painter:
    """Show a session's masks in a Labels layer.

    Parameters
    ----------
    labels : Labels
        Its data are changed in place.
    placement : Placement
        Where the stack lies in it.
    dims : Dims
        Of the viewer: what is not shown need not be drawn again.
    """

    def __init__(self, labels: Labels, placement: Placement, dims: Any) -> None:
        self._labels = labels
        self._placement = placement
        self._dims = dims
        self._revision = 0
        self._painted = np.zeros((placement.n_frames, *placement.plane_shape), dtype=np.uint16)
        self._redraw = qthrottled(self._refresh, timeout=_REFRESH_MS)

    def paint(self, update: MaskUpdate) -> bool:
        """Show one update.

        Returns
        -------
        bool
            False if it was stale: older than what is shown.
        """
        if update.revision <= self._revision:
            return False
        self._revision = update.revision
        if update.labels.size:
            self._make_room_for(update.labels)
            y0, x0, y1, x1 = update.window
            shown = self._labels.data[self._placement.index(update.frame, update.window)]
            merge(shown, self._painted[update.frame, y0:y1, x0:x1], update.labels)
            if self._is_shown(update.frame):
                self._redraw()
        return True

    def finish(self) -> None:
        """Draw what is still to be drawn, and the thumbnail."""
        self._redraw.cancel()
        self._labels.refresh()

    def close(self) -> None:
        """Draw no more."""
        self._redraw.cancel()

    def _make_room_for(self, new: np.ndarray) -> None:
        """Widen the layer's numbers once an id needs it."""
        if new.max() > np.iinfo(self._labels.data.dtype).max:
            self._labels.data = self._labels.data.astype(new.dtype)
        if new.max() > np.iinfo(self._painted.dtype).max:
            self._painted = self._painted.astype(new.dtype)

    def _is_shown(self, frame: int) -> bool:
        axis = self._placement.axis
        if axis is None or axis in displayed_axes(self._labels, self._dims):
            return True
        now = self._labels.world_to_data(np.asarray(self._dims.point))[axis]
        return bool(abs(now - frame) <= 1)  # whichever way napari rounds

    def _refresh(self) -> None:
        self._labels.refresh(thumbnail=False, highlight=False, extent=False)
