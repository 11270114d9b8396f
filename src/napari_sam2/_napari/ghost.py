"""The ghost: the outline of the mask that a click would give, drawn over a layer; it is no layer itself.

So it is never saved, listed or selected. napari has no public way to draw on the canvas without a layer; where its own nodes
are not found as they are in napari 0.6 to 0.9, there is no ghost, and nothing else changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam2._napari.coordinates import displayed_axes

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer

__all__ = ["GhostOutline", "edges_of"]

_OPACITY = 0.75


class GhostOutline:
    """A line on the canvas that moves with a layer.

    Parameters
    ----------
    viewer : Viewer
        Where it is drawn.
    layer : Layer
        Whose data coordinates it has; it is seen while the layer is.
    """

    def __init__(self, viewer: Viewer, layer: Layer) -> None:
        self._viewer = viewer
        self._layer = layer
        self._line: Any = None

    @property
    def is_shown(self) -> bool:
        """Whether there is something to see."""
        return self._line is not None and bool(self._line.visible)

    def show(self, mask: np.ndarray, color: tuple[float, ...]) -> None:
        """Draw the outline of a mask.

        Parameters
        ----------
        mask : ndarray of bool, (y, x)
            The whole plane.
        color : tuple of float
            RGBA, 0 to 1.
        """
        axes = self._plane_axes()
        line = self._line or self._make_line()
        edges = edges_of(mask)
        if axes is None or line is None or not len(edges):
            self.hide()
            return
        # napari's nodes are (x, y): the last displayed axis first
        points = edges[:, [1, 0] if axes == (0, 1) else [0, 1]]
        line.set_data(pos=points, color=(*color[:3], _OPACITY), connect="segments")
        line.visible = True

    def hide(self) -> None:
        """Show nothing."""
        if self._line is not None:
            self._line.visible = False

    def close(self) -> None:
        """Take the line off the canvas."""
        if self._line is not None:
            self._line.parent = None
            self._line = None

    def _plane_axes(self) -> tuple[int, ...] | None:
        """Return in what order rows (0) and columns (1) are shown; None if the plane is not what is shown."""
        dims, n = self._viewer.dims, self._layer.ndim
        if displayed_axes(self._layer, dims) != {n - 2, n - 1}:
            return None
        offset = int(dims.ndim) - n
        return tuple(int(axis) - offset - (n - 2) for axis in dims.displayed)

    def _make_line(self) -> Any:
        """Make the line; None where napari's nodes are not where we know them."""
        window = getattr(self._viewer, "window", None)  # a viewer without a window has none
        canvas = getattr(getattr(window, "_qt_viewer", None), "canvas", None)
        visual = getattr(canvas, "layer_to_visual", {}).get(self._layer)
        node = getattr(visual, "node", None)
        if node is None:
            return None
        from vispy.scene.visuals import Line

        self._line = Line(pos=np.zeros((2, 2)), parent=node, width=2, antialias=True)
        self._line.order = 1000  # on top
        return self._line


def edges_of(mask: np.ndarray) -> np.ndarray:
    """Return the borders of the pixels of a mask as pairs of ends.

    Parameters
    ----------
    mask : ndarray of bool, (y, x)

    Returns
    -------
    ndarray of float, (2 * n, 2)
        (y, x) of the ends, data pixels; rows 2 i and 2 i + 1 belong together.
    """
    padded = np.pad(mask, 1)
    y, x = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])  # between the rows y - 1 and y
    across = np.stack([y - 0.5, x - 0.5, y - 0.5, x + 0.5], axis=-1)
    y, x = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])  # between the columns x - 1 and x
    down = np.stack([y - 0.5, x - 0.5, y + 0.5, x - 0.5], axis=-1)
    # (n, y x y x) -> (2 n, y x)
    return np.concatenate([across, down]).reshape(-1, 2)
