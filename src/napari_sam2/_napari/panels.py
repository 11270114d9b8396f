"""The table, the strip and the curve in the window: they show what the session says of its objects, and ask the controller."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_sam2._napari.connections import Connections, connect
from napari_sam2._napari.curve import CurveData, ObjectCurve
from napari_sam2._napari.layers import colors_of
from napari_sam2._napari.strip import TrustStrip
from napari_sam2._napari.table import ObjectTable
from napari_sam2._napari.table_model import ObjectRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari import Viewer
    from qtpy.QtWidgets import QVBoxLayout

    from napari_sam2._napari.controller import Controller
    from napari_sam2._napari.messages import ObjectNow, ObjectsNow
    from napari_sam2._napari.state import State

__all__ = ["ObjectPanels", "row_of"]


class ObjectPanels:
    """Keep table, strip and curve in step with the session.

    Parameters
    ----------
    viewer : Viewer
        Its dims say which frame is in view.
    controller : Controller
        What the panels ask.
    objects_area, trust_area : QVBoxLayout
        Where they go.

    Attributes
    ----------
    table : ObjectTable
        One row per object.
    strip : TrustStrip
        Objects by frames.
    curve : ObjectCurve
        Of the selected object.
    """

    def __init__(
        self,
        viewer: Viewer,
        controller: Controller,
        objects_area: QVBoxLayout,
        trust_area: QVBoxLayout,
    ) -> None:
        self._controller = controller
        self._objects: dict[int, ObjectNow] = {}
        self._object_id = 0
        self.table, self.strip, self.curve = ObjectTable(), TrustStrip(), ObjectCurve()
        objects_area.addWidget(self.table)
        trust_area.addWidget(self.strip, 2)
        trust_area.addWidget(self.curve, 1)
        self._connect()
        self._connections = Connections()
        self._connections.add(connect(viewer.dims.events.point, self._on_frame))

    def _connect(self) -> None:
        ask = self._controller
        self.table.selected.connect(ask.select)
        self.table.activated.connect(ask.go_to)
        self.table.rename_asked.connect(ask.rename)
        self.table.delete_asked.connect(ask.delete)
        self.table.merge_asked.connect(ask.merge)
        self.table.lock_asked.connect(ask.lock)
        self.table.split_asked.connect(ask.split)
        self.strip.go_to.connect(ask.go_to)
        self.curve.go_to.connect(ask.go_to)

    def close(self) -> None:
        """Take the connection to the viewer back."""
        self._connections.close()

    def show_objects(self, now: ObjectsNow) -> None:
        """Show all objects; those that are known already are changed in place."""
        before, self._objects = self._objects, {each.object_id: each for each in now.objects}
        if list(before) == list(self._objects) and before:
            changed = [o for i, o in self._objects.items() if not _is_same(before[i], o)]
            self.table.update_rows(*self._rows(changed))
            for each in changed:
                self.strip.update_row(each.object_id, each.confidence, each.trusted)
        else:
            self._show_all()
        self._show_curve()
        self._on_frame()

    def show_state(self, state: State) -> None:
        """Mark the object that prompts speak of."""
        if state.object_id != self._object_id:
            self._object_id = state.object_id
            self.strip.set_object(state.object_id)
            self._show_curve()
            if state.object_id in self._objects:
                self.table.select(state.object_id)

    def _show_all(self) -> None:
        objects = list(self._objects.values())
        self.table.show_rows(self._rows(objects))
        n_frames = len(objects[0].confidence) if objects else 0
        # one row per object, also where there are none
        confidence = np.array([o.confidence for o in objects]).reshape(len(objects), n_frames)
        trusted = np.array([o.trusted for o in objects], dtype=bool).reshape(confidence.shape)
        self.strip.show_objects(list(self._objects), confidence, trusted)
        self.strip.set_object(self._object_id)
        if self._object_id in self._objects:
            self.table.select(self._object_id)

    def _show_curve(self) -> None:
        each = self._objects.get(self._object_id)
        if each is None:
            self.curve.show_object(None)
        else:
            data = CurveData(each.object_id, each.area, each.confidence, each.trusted)
            self.curve.show_object(data)

    def _rows(self, objects: Sequence[ObjectNow]) -> list[ObjectRow]:
        binding = self._controller.binding
        if binding is None:
            return [row_of(each, ObjectRow(0).color) for each in objects]
        colors = colors_of(binding.labels, [each.object_id for each in objects])
        return [row_of(each, color) for each, color in zip(objects, colors, strict=True)]

    def _on_frame(self, _event: object = None) -> None:
        if self._controller.binding is not None:
            frame = self._controller.binding.frame
            self.strip.set_frame(frame)
            self.curve.set_frame(frame)


def row_of(each: ObjectNow, color: tuple[float, ...]) -> ObjectRow:
    """Sum an object up in one row."""
    known = np.flatnonzero(~np.isnan(each.confidence))
    worst = int(known[each.confidence[known].argmin()]) if known.size else -1
    return ObjectRow(
        each.object_id,
        each.name,
        color,
        int(np.count_nonzero(each.area > 0)),
        float(each.confidence[worst]) if known.size else math.nan,
        worst,
        each.locked,
    )


def _is_same(a: ObjectNow, b: ObjectNow) -> bool:
    return (
        (a.name, a.locked) == (b.name, b.locked)
        and np.array_equal(a.confidence, b.confidence, equal_nan=True)
        and np.array_equal(a.area, b.area, equal_nan=True)
        and np.array_equal(a.trusted, b.trusted)
    )
