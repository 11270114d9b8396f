"""The tools: each is one of our layers in one of napari's own modes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from napari_sam2._napari.connections import Connections, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from napari.layers import Layer

__all__ = ["Tool", "ToolBox", "ToolLayers"]

_PAN = "pan_zoom"


class Tool(Enum):
    """What a press on the canvas does."""

    PAN = "pan"
    POINT = "point"
    BOX = "box"
    LASSO = "lasso"
    SCRIBBLE = "scribble"
    PICK = "pick"


@dataclass(frozen=True, slots=True)
class ToolLayers:
    """The layers that the tools work on."""

    labels: Layer
    prompts: Layer
    shapes: Layer

    def of(self, tool: Tool) -> tuple[Layer, str]:
        """Return the layer that must be selected for a tool, and its mode."""
        match tool:
            case Tool.POINT | Tool.PAN:
                return self.prompts, "add" if tool is Tool.POINT else _PAN
            case Tool.BOX:
                return self.shapes, "add_rectangle"
            case Tool.LASSO:
                return self.shapes, "add_polygon_lasso"
            case Tool.SCRIBBLE:
                return self.shapes, "add_path"
            case Tool.PICK:
                return self.labels, "pick"


class ToolBox:
    """Which tool is in the hand is read from napari: the selected layer, and its mode.

    So napari's layer controls, its keys and our buttons all show and change the same thing, the wheel moves the view as
    usual, and nothing is taken as a prompt while another layer is selected. In the 3-D view, where a press has no depth,
    there is no tool.

    Parameters
    ----------
    viewer : Viewer
        Where the tools are used.
    layers : ToolLayers
        What they work on.
    changed : callable
        Called when `tool` or `is_possible` may have changed.
    """

    def __init__(self, viewer: Viewer, layers: ToolLayers, changed: Callable[[], object]) -> None:
        self._viewer = viewer
        self._layers = layers
        self._changed = changed
        self._last = Tool.PAN
        self._before_pick = Tool.PAN
        self._connections = Connections()
        self._connections.add(
            *(connect(each.events.mode, self._see) for each in self._all),
            connect(viewer.layers.selection.events.active, self._see),
            connect(viewer.dims.events.ndisplay, self._on_ndisplay),
        )

    @property
    def is_possible(self) -> bool:
        """Whether a press has a place on the planes."""
        return bool(self._viewer.dims.ndisplay == 2)

    @property
    def tool(self) -> Tool:
        """What a press on the canvas does now."""
        active = self._viewer.layers.selection.active
        if self.is_possible:
            for tool in Tool:
                layer, mode = self._layers.of(tool)
                if layer is active and str(layer.mode) == mode:
                    return tool
        return Tool.PAN

    def take(self, tool: Tool) -> None:
        """Take a tool in the hand."""
        layer, mode = self._layers.of(tool)
        if layer not in self._viewer.layers:
            return
        if tool is Tool.PAN:
            self._put_down()
        elif self.is_possible:
            if tool is Tool.PICK and self.tool is not Tool.PICK:
                self._before_pick = self.tool
            if not layer.visible:  # to set it again would draw everything again
                layer.visible = True
            for other in self._all:
                if other is not layer:  # what was begun there is ended
                    other.mode = _PAN
            self._viewer.layers.selection.active = layer
            layer.mode = mode
        self._changed()  # also where nothing changed: a button may show otherwise

    def toggle(self, tool: Tool) -> None:
        """Take a tool, or put it down if it is in the hand."""
        self.take(Tool.PAN if self.tool is tool else tool)

    def end_pick(self) -> None:
        """Take the tool that was in the hand before something was picked."""
        if self.tool is Tool.PICK:
            self._layers.labels.mode = _PAN
            self.take(self._before_pick)

    def close(self) -> None:
        """React to nothing more; the layers are not touched, their window may be gone."""
        self._connections.close()

    @property
    def _all(self) -> tuple[Layer, ...]:
        return self._layers.labels, self._layers.prompts, self._layers.shapes

    def _put_down(self) -> None:
        """Leave the canvas to napari, in whatever layer is selected."""
        if self.tool is not Tool.PAN:
            self._layers.of(self.tool)[0].mode = _PAN

    def _see(self, _event: Any = None) -> None:
        if self.is_possible:
            self._last = self.tool
        self._changed()

    def _on_ndisplay(self, _event: Any = None) -> None:
        """Put the tool down in 3-D, and take it again afterwards."""
        last = self._last  # napari itself may have ended the mode of a layer by now
        if self.is_possible:
            self.take(last)
        elif last is not Tool.PAN:
            layer, mode = self._layers.of(last)
            if str(layer.mode) == mode:
                layer.mode = _PAN
        self._changed()
