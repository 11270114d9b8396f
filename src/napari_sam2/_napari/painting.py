"""Mask updates go into the Labels layer; only their window is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from superqt.utils import qthrottled

from napari_sam2._napari.coordinates import displayed_axes
from napari_sam2._napari.pixels import new_pixels, put_back

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from napari.layers import Labels

    from napari_sam2._napari.coordinates import Placement
    from napari_sam2.results import MaskUpdate, Window

__all__ = ["Painter", "merge"]

_REFRESH_MS = 50
_HALF = 0.501  # of a frame: between two of them both may be in view, whichever way napari rounds


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
    on_disk : bool
        Whether the labels would not fit in memory.
    """

    def __init__(
        self, labels: Labels, placement: Placement, dims: Any, on_disk: bool = False
    ) -> None:
        self._labels = labels
        self._placement = placement
        self._dims = dims
        self._revision = 0
        self._painted = new_pixels((placement.n_frames, *placement.plane_shape), on_disk)
        self._changed: set[int] = set()
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
        self._put(update.frame, update.window, update.labels)
        return True

    def replace(self, frame: int, labels: np.ndarray) -> None:
        """Show a whole frame of another session, whose revisions begin anew."""
        self._revision = 0
        self._put(frame, (0, 0, *self._placement.plane_shape), labels)

    def _put(self, frame: int, window: Window, labels: np.ndarray) -> None:
        if not labels.size:
            return
        self._make_room_for(labels)
        y0, x0, y1, x1 = window
        here, ours = self._placement.index(frame, window), (frame, slice(y0, y1), slice(x0, x1))
        shown, painted = self._labels.data[here], self._painted[ours]
        merge(shown, painted, labels)
        put_back(self._labels.data, here, shown)
        put_back(self._painted, ours, painted)
        self._changed.add(frame)
        self._redraw()

    def changed_by_hand(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what a frame shows and what we painted there, int, (y, x): they differ where a hand was."""
        return self._labels.data[self._plane(frame)], self._painted[frame]

    def restore(self, frame: int, object_ids: Collection[int]) -> None:
        """Show these objects on a frame as we painted them."""
        shown, painted = self.changed_by_hand(frame)
        ids = list(object_ids)
        np.copyto(
            shown,
            painted,
            where=np.isin(shown, ids) | np.isin(painted, ids),
            casting="same_kind",
        )
        put_back(self._labels.data, self._plane(frame), shown)
        self._changed.add(frame)
        self._redraw()

    def finish(self) -> None:
        """Draw what is still to be drawn, and the thumbnail."""
        self._redraw.cancel()
        self._changed.clear()
        self._labels.refresh()

    def close(self) -> None:
        """Draw no more."""
        self._redraw.cancel()

    def _plane(self, frame: int) -> tuple[Any, ...]:
        """Return where a whole frame lies in the layer's data."""
        return self._placement.index(frame, (0, 0, *self._placement.plane_shape))

    def _make_room_for(self, new: np.ndarray) -> None:
        """Widen the layer's numbers once an id needs it; on disk they are wide already."""
        if new.max() > np.iinfo(self._labels.data.dtype).max:
            self._labels.data = self._labels.data.astype(new.dtype)
        if new.max() > np.iinfo(self._painted.dtype).max:
            self._painted = self._painted.astype(new.dtype)

    def _refresh(self) -> None:
        """Draw the frames that changed since then, if any of them is in view."""
        changed, self._changed = self._changed, set()
        if self._shows_any(changed):
            self._labels.refresh(thumbnail=False, highlight=False, extent=False)

    def _shows_any(self, frames: Collection[int]) -> bool:
        axis = self._placement.axis
        if axis is None or axis in displayed_axes(self._labels, self._dims):
            return True
        now = self._labels.world_to_data(np.asarray(self._dims.point))[axis]
        return any(abs(now - frame) < _HALF for frame in frames)
