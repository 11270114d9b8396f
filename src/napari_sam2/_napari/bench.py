"""What there is while a session is open: our layers, the tools, the ghost and the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sam2._napari.binding import Binding
from napari_sam2._napari.connections import Connections, connect
from napari_sam2._napari.hover import HoverGhost
from napari_sam2._napari.keys import bind_actions
from napari_sam2._napari.looking import label_under_mouse
from napari_sam2._napari.notices import tell_error
from napari_sam2._napari.tool import Tool, ToolBox, ToolLayers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari import Viewer
    from napari.layers import Image

    from napari_sam2._napari.coordinates import Placement
    from napari_sam2._napari.keys import Action
    from napari_sam2._napari.messages import Hints, Request

__all__ = ["Bench"]


class Bench:
    """Lay out what a session needs, and clear it away.

    Parameters
    ----------
    viewer : Viewer
        Where the layers are added.
    image : Image
        The layer that is segmented.
    placement : Placement
        Where the stack lies in it.
    submit, hint : callable
        Hand a `Request` or `Hints` to the worker.
    changed : callable
        Called when the tool may be another.
    picked : callable
        Called with the label that was picked on the canvas or in the layer's controls.
    actions : mapping of Action to callable
        What the keys do.
    keys : mapping of Action to str, optional
        What the user prefers to our choice.
    on_disk : bool
        Whether the labels would not fit in memory.

    Attributes
    ----------
    binding : Binding
        Our layers.
    tools : ToolBox
        What a press on the canvas does.
    ghost : HoverGhost
        What a click would give.
    """

    def __init__(
        self,
        viewer: Viewer,
        image: Image,
        placement: Placement,
        submit: Callable[[Request], object],
        hint: Callable[[Hints], object],
        changed: Callable[[], object],
        picked: Callable[[int], object],
        actions: Mapping[Action, Callable[[], object]],
        keys: Mapping[Action, str] | None = None,
        on_disk: bool = False,
    ) -> None:
        self._viewer = viewer
        self._picked = picked
        self.binding = Binding(viewer, image, placement, submit, tell_error, on_disk)
        ours = self.binding
        layers = ToolLayers(ours.labels, ours.prompts, ours.shapes)
        self.tools = ToolBox(viewer, layers, changed)
        self.ghost = HoverGhost(viewer, ours, hint, lambda: self.tools.tool is Tool.POINT)
        self._connections = Connections()
        self._connections.add(
            ours.close,
            self.tools.close,
            self.ghost.close,
            connect(ours.labels.events.selected_label, self._on_label),
            *bind_actions(viewer, ours.layers[1:], actions, keys),
        )
        ours.labels.mouse_drag_callbacks.append(self._on_pick)
        self._connections.add(lambda: ours.labels.mouse_drag_callbacks.remove(self._on_pick))

    def close(self) -> None:
        """Take everything back; the layers stay."""
        self._connections.close()

    def _on_label(self, _event: Any = None) -> None:
        label = int(self.binding.labels.selected_label)
        if label > 0 and label != self.binding.object_id:
            self._picked(label)

    def _on_pick(self, _layer: Any, event: Any) -> None:
        """Go back to the tool in the hand before; napari itself has read the label by now."""
        if self.tools.tool is Tool.PICK:
            label = label_under_mouse(self.binding, event.position)
            if label:
                self._picked(label)
            else:  # the background is no object
                self.binding.select(self.binding.object_id)
            self.tools.end_pick()
