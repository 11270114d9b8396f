"""The plugin: one dock widget and sample data; the only place with napari and Qt.

How a click travels: `binding` (our three layers) -> `messages` (a request) -> `worker` (the one thread) -> `host` (the
session) -> `messages` (answers) -> `controller` -> `painting`. The GUI thread never computes and never waits.

The names of the manifest are loaded when napari asks for them: a sample does not load the window's code.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_sam2._napari.layer_commands import segment_layer, take_layer
    from napari_sam2._napari.samples import (
        cells3d,
        dividing_cells,
        em_stack,
        nuclei_stack,
        nuclei_with_truth,
        two_channels,
    )
    from napari_sam2._napari.widget import SegmentWidget

__all__ = [
    "SegmentWidget",
    "cells3d",
    "dividing_cells",
    "em_stack",
    "nuclei_stack",
    "nuclei_with_truth",
    "segment_layer",
    "take_layer",
    "two_channels",
]

_HOME = {
    "SegmentWidget": "widget",
    "cells3d": "samples",
    "dividing_cells": "samples",
    "em_stack": "samples",
    "nuclei_stack": "samples",
    "nuclei_with_truth": "samples",
    "segment_layer": "layer_commands",
    "take_layer": "layer_commands",
    "two_channels": "samples",
}


def __getattr__(name: str) -> Any:
    """Load a name of the manifest at its first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'napari_sam2._napari' has no attribute {name!r}")
    value = getattr(import_module(f"napari_sam2._napari.{_HOME[name]}"), name)
    globals()[name] = value
    return value
