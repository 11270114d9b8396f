"""Sentences for the user that are said in more than one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sam2._napari.model_facts import AUTO
from napari_sam2._napari.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Image

    from napari_sam2._napari.coordinates import Placement
    from napari_sam2._napari.model_facts import ModelPick

__all__ = ["HOW_TO", "name_of_axis", "opened_sentence"]

_SIGN = "Shift takes away."

HOW_TO: Mapping[Tool, str] = {
    Tool.PAN: "Dragging moves the view. Take a tool to go on.",
    Tool.POINT: f"Click on an object. {_SIGN} Dragging moves the view.",
    Tool.BOX: f"Drag from corner to corner around an object. {_SIGN}",
    Tool.LASSO: f"Drag around an object. {_SIGN}",
    Tool.SCRIBBLE: f"Drag a stroke over an object. {_SIGN}",
    Tool.PICK: "Click on an object to go on with it.",
}


def opened_sentence(image: Image, pick: ModelPick, placement: Placement) -> str:
    """Say what was taken: "nuclei, 24 frames along z, nano on cuda:0"."""
    if placement.axis is None:
        what = "one plane"
    else:
        what = f"{placement.n_frames} frames along {name_of_axis(image, placement.axis)}"
    device = "" if pick.device == AUTO else f" on {pick.device}"
    precision = "" if pick.precision == AUTO else f", {pick.precision}"
    return f"{image.name}: {what}, {pick.name}{device}{precision}"


def name_of_axis(image: Image, axis: int) -> str:
    """Return what an axis is called; napari's own "axis -3" counts from behind, we from the front."""
    label = str(image.axis_labels[axis])
    is_default = label.removeprefix("axis ").lstrip("-").isdigit()
    return f"axis {axis}" if is_default else label
