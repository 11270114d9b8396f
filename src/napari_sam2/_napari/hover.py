"""The mouse over the canvas with the point tool: where a ghost is wanted, and what is shown of it.

A press is hinted at as well: napari adds the point when the button is let go, and by then its mask may be there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject
from superqt.utils import qthrottled

from napari_sam2._napari.connections import Connections, connect
from napari_sam2._napari.ghost import GhostOutline
from napari_sam2._napari.messages import Ghost, Hints, Hover
from napari_sam2._napari.shapes_binding import is_negative
from napari_sam2.errors import Sam2Error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari import Viewer

    from napari_sam2._napari.binding import Binding

__all__ = ["HoverGhost"]

_HOVER_MS = 60
_LEFT = 1  # as vispy counts buttons


class HoverGhost:
    """Hint to the worker what the user looks at, and show the ghost that comes back.

    Parameters
    ----------
    viewer : Viewer
        Where the mouse is.
    binding : Binding
        Our layers.
    hint : callable
        Hands `Hints` to the worker.
    has_point_tool : callable
        Whether a click would be a prompt.

    Attributes
    ----------
    is_on : bool
        The user's switch.
    """

    def __init__(
        self,
        viewer: Viewer,
        binding: Binding,
        hint: Callable[[Hints], object],
        has_point_tool: Callable[[], bool],
    ) -> None:
        self.is_on = False
        self._viewer = viewer
        self._binding = binding
        self._hint = hint
        self._has_point_tool = has_point_tool
        self._hover: Hover | None = None
        self._outline = GhostOutline(viewer, binding.prompts)
        self._send = qthrottled(self._send_now, timeout=_HOVER_MS)
        self._leaving = _Leaving(viewer, self.forget)
        viewer.mouse_move_callbacks.append(self._on_move)
        viewer.mouse_drag_callbacks.append(self._on_press)
        self._connections = Connections()
        self._connections.add(
            self._leaving.close,
            self._outline.close,
            self._send.cancel,
            lambda: viewer.mouse_move_callbacks.remove(self._on_move),
            lambda: viewer.mouse_drag_callbacks.remove(self._on_press),
            connect(viewer.dims.events.current_step, self._on_step),
        )
        self._send_now()

    @property
    def is_shown(self) -> bool:
        """Whether a ghost is on the canvas."""
        return self._outline.is_shown

    def set(self, on: bool) -> None:
        """Switch it on or off."""
        self.is_on = on
        self.forget()

    def forget(self) -> None:
        """Show no ghost until the mouse moves again."""
        self._outline.hide()
        if self._hover is not None:
            self._hover = None
            self._send()

    def show(self, ghost: Ghost) -> None:
        """Show what came back, if the mouse is still there."""
        if ghost.hover == self._hover and ghost.mask is not None:
            self._outline.show(ghost.mask, self._binding.color)
        elif ghost.hover == self._hover:
            self._outline.hide()

    def close(self) -> None:
        """Take everything off the canvas and react to nothing more."""
        self._connections.close()

    def _on_move(self, _viewer: Any, event: Any) -> None:
        if not self.is_on:
            return
        wanted = self._has_point_tool() and self._binding.positive
        hover = self._hover_at(event.position, positive=True) if wanted else None
        if hover is None:
            self.forget()
        elif hover != self._hover:
            self._hover = hover
            self._send()

    def _on_press(self, _viewer: Any, event: Any) -> Iterator[None]:
        """Have the click that begins here decoded ahead, also where no ghost is shown; until the button is let go."""
        if event.button != _LEFT or not self._has_point_tool():
            return
        positive = self._binding.positive and not is_negative(event)
        hover = self._hover_at(event.position, positive)
        if hover is None or hover == self._hover:
            return
        self._hint(Hints(self._binding.frame, hover))
        yield
        while event.type == "mouse_move":
            yield
        self._send_now()

    def _hover_at(self, position: Any, positive: bool) -> Hover | None:
        """Return the click that would be made at a place in the world; None outside the image."""
        binding = self._binding
        coords = binding.image.world_to_data(position[-binding.image.ndim :])
        try:
            point = binding.placement.point(coords, positive)
        except Sam2Error:
            return None
        inside = all(
            -0.5 <= c < n - 0.5
            for c, n in zip(point.yx, binding.placement.plane_shape, strict=True)
        )
        inside = inside and point.frame < binding.placement.n_frames
        return Hover(binding.object_id, point) if inside else None

    def _on_step(self, _event: Any = None) -> None:
        self._outline.hide()
        self._hover = None
        self._send()

    def _send_now(self) -> None:
        self._hint(Hints(self._binding.frame, self._hover))


class _Leaving(QObject):
    """Notice that the mouse leaves the canvas."""

    def __init__(self, viewer: Viewer, callback: Callable[[], None]) -> None:
        super().__init__()
        self._callback = callback
        window = getattr(viewer, "window", None)  # a viewer without a window has none
        canvas = getattr(getattr(window, "_qt_viewer", None), "canvas", None)
        self._native = getattr(canvas, "native", None)
        if self._native is not None:
            self._native.installEventFilter(self)

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Look at an event and let it pass."""
        if event.type() == QEvent.Type.Leave:
            self._callback()
        return False

    def close(self) -> None:
        """Notice nothing more; the canvas may be gone already."""
        native, self._native = self._native, None
        if native is not None:
            try:
                native.removeEventFilter(self)
            except RuntimeError:  # Qt has deleted it, and with it the filter
                return
