"""Table, strip and curve in the window follow the session, and what is asked there reaches it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sam2._napari.messages import ObjectNow
from napari_sam2._napari.panels import row_of

NAN = np.nan


def test_a_row_sums_an_object_up():
    now = ObjectNow(
        7,
        "cell",
        True,
        area=np.array([NAN, 5, 0, 8]),
        confidence=np.array([NAN, 0.5, 0.25, 1.0]),
        trusted=np.zeros(4, dtype=bool),
    )
    row = row_of(now, (1, 0, 0, 1))
    assert (row.object_id, row.name, row.locked) == (7, "cell", True)
    assert (row.n_frames, row.lowest, row.lowest_frame) == (2, 0.25, 2)


def test_an_object_without_masks_has_no_lowest():
    empty = np.full(3, NAN)
    row = row_of(ObjectNow(1, "", False, empty, empty, np.zeros(3, dtype=bool)), (0, 0, 0, 1))
    assert row.lowest_frame == -1
    assert np.isnan(row.lowest)


@pytest.mark.gui
def test_panels_show_what_the_session_has(open_window, stack):
    window = open_window(stack).start()
    panels = window.widget.panels
    window.click((20, 20))
    window.widget.new_object.click()
    window.go_to(2).click((30, 40))
    window.widget.propagate.click()
    window.wait(lambda: not window.state.pending)
    window.wait(lambda: len(window.widget.objects.objects) == 2)
    window.wait(lambda: all(np.isfinite(o.confidence).any() for o in window.widget.objects.objects))
    model = panels.table.view.model() if hasattr(panels.table, "view") else panels.table.model
    assert model.rowCount() == 2
    panels.table.rename_asked.emit(1, "first")
    window.settle()
    window.wait(lambda: window.widget.objects.objects[0].name == "first")
    panels.strip.go_to.emit(1, 4)
    assert window.viewer.dims.current_step[0] == 4
    assert window.state.object_id == 1
    assert panels.strip.frame == 4
    assert panels.strip.object_id == 1
    panels.table.lock_asked.emit(2, True)
    window.settle()
    window.wait(lambda: window.widget.objects.objects[1].locked)
    panels.table.lock_asked.emit(2, False)
    window.settle()
    panels.table.delete_asked.emit((2,))
    window.settle()
    window.wait(lambda: len(window.widget.objects.objects) == 1)
    assert model.rowCount() == 1
    assert not (window.labels == 2).any()
