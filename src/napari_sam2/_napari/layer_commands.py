"""Commands of napari's menus: they open the widget on a layer, or hand a layer to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image, Layer
from napari.viewer import Viewer  # noqa: TC002 - napari reads the types to know what to hand over

from napari_sam2._napari.notices import tell

if TYPE_CHECKING:
    from napari_sam2._napari.widget import SegmentWidget

__all__ = ["segment_layer", "take_layer"]


def segment_layer(viewer: Viewer, layer: Layer | None = None) -> SegmentWidget:
    """Open the widget on an image layer.

    Parameters
    ----------
    viewer : Viewer
        Where the layer is.
    layer : Layer, optional
        The selected one if it is not named.
    """
    widget = _widget(viewer)
    layer = layer or viewer.layers.selection.active
    if isinstance(layer, Image):
        widget.setup.image.choose(layer)
    return widget


def take_layer(viewer: Viewer, layer: Layer | None = None) -> None:
    """Make objects of a Labels layer, or seeds of a Points layer, in the session that is open.

    Parameters
    ----------
    viewer : Viewer
        Where the layer is.
    layer : Layer, optional
        The selected one if it is not named.
    """
    widget = _widget(viewer)
    layer = layer or viewer.layers.selection.active
    if widget.controller.binding is None:
        tell("SAM 2: press Start first, so that there is an image to which this layer belongs.")
    elif layer is not None:
        widget.controller.take_layer(layer)


def _widget(viewer: Any) -> SegmentWidget:
    """Return the widget, opened if it is not yet."""
    _, widget = viewer.window.add_plugin_dock_widget("napari-sam2", "SAM 2")
    return widget  # type: ignore[no-any-return]
