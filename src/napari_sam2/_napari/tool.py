"""The click tool: whether a click on the canvas is a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sam2._napari.connections import Connections, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from napari.layers import Points

__all__ = ["ClickTool"]


class ClickTool:
    """Clicks are prompts while the prompts layer is the selected layer and in napari's own add mode.

    So napari's layer controls, its keys and our button all show and change the same thing, dragging moves the view, and
    no click is taken while another layer is selected. In the 3-D view, where a click has no depth, the tool is off.

    Parameters
    ----------
    viewer : Viewer
        Where the clicks are made.
    prompts : Points
        The layer that takes them.
    changed : callable
        Called when `is_on` or `is_possible` may have changed.
    """

    def __init__(self, viewer: Viewer, prompts: Points, changed: Callable[[], object]) -> None:
        self._viewer = viewer
        self._prompts = prompts
        self._changed = changed
        self._was_on = False
        self._connections = Connections()
        self._connections.add(
            connect(prompts.events.mode, self._see),
            connect(viewer.layers.selection.events.active, self._see),
            connect(viewer.dims.events.ndisplay, self._on_ndisplay),
        )

    @property
    def is_possible(self) -> bool:
        """Whether a click has a place on the planes."""
        return bool(self._viewer.dims.ndisplay == 2)

    @property
    def is_on(self) -> bool:
        """Whether a click is a prompt now."""
        active = self._viewer.layers.selection.active
        return active is self._prompts and str(self._prompts.mode) == "add" and self.is_possible

    def set(self, on: bool) -> None:
        """Take clicks as prompts, or leave them to napari."""
        if self._prompts not in self._viewer.layers:
            return
        if on and self.is_possible:
            self._prompts.visible = True
            self._viewer.layers.selection.active = self._prompts
            self._prompts.mode = "add"
        elif not on and str(self._prompts.mode) == "add":
            self._prompts.mode = "pan_zoom"
        self._changed()  # also where nothing changed: a button may show otherwise

    def close(self) -> None:
        """React to nothing more; the layer is not touched, its window may be gone."""
        self._connections.close()

    def _see(self, _event: Any = None) -> None:
        self._changed()

    def _on_ndisplay(self, _event: Any = None) -> None:
        """Switch off in 3-D, and on again afterwards."""
        if self.is_possible:
            self.set(self._was_on)
        else:
            self._was_on = str(self._prompts.mode) == "add"
            self.set(False)
