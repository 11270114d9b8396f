"""Windows that are closed, also while work runs, several of them, and the plugin as napari opens it."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from napari._app_model import get_app_model
from qtpy.QtCore import QTimer

import napari_sam2 as sam2
from napari_sam2._napari.tool import Tool
from napari_sam2._napari.widget import SegmentWidget
from napari_sam2.errors import SessionError

pytestmark = pytest.mark.gui


def test_window_closed_while_running(open_own_window, stack, gated, caught, qtbot) -> None:
    backend, made = gated
    window = open_own_window(stack, backend).start()
    window.click((20, 24))
    window.widget.propagate.click()
    window.wait(made[0].waits.is_set)
    worker = window.controller.worker
    window.viewer.close()
    made[0].let_through()
    del window.widget
    qtbot.waitUntil(lambda: not worker._thread.is_alive(), timeout=30_000)


def test_window_closed_with_its_button_while_running(
    window_to_close, stack, gated, caught, qtbot
) -> None:
    """The user's way: napari does not clear the layers first."""
    backend, made = gated
    window = window_to_close(stack, backend).start()
    window.click((20, 24))
    window.widget.propagate.click()
    window.wait(made[0].waits.is_set)
    worker, controller = window.controller.worker, weakref.ref(window.controller)
    window.viewer.window._qt_window.close()
    made[0].let_through()
    del window.widget, window.viewer
    qtbot.waitUntil(lambda: not worker._thread.is_alive(), timeout=30_000)

    def controller_is_gone() -> bool:  # once Qt has delivered the worker's last answers
        gc.collect()
        return controller() is None

    qtbot.waitUntil(controller_is_gone, timeout=30_000)


def test_two_widgets_and_two_viewers(open_own_window, stack, backend) -> None:
    first, other = open_own_window(stack).start().go_to(2), open_own_window(stack).start().go_to(1)
    second = SegmentWidget(first.viewer, backend)
    first.viewer.window.add_dock_widget(second, name="SAM 2 again", area="right")
    twin = type(first)(first.viewer, second, first.qtbot).start()
    twin.click((20, 24))
    other.click((20, 24))
    assert len(first.prompts.data) == 0  # the twin's layer was selected
    assert (twin.labels[2].any(), other.labels[1].any()) == (True, True)
    assert not first.labels.any()
    assert not other.labels[2].any()
    layer = twin.layer
    twin.controller.close()
    assert twin.controller.worker.wait(30)
    first.widget.tools.buttons[Tool.POINT].click()
    first.click((20, 24))  # the other goes on
    assert np.array_equal(first.labels, layer.data)


def test_plugin_is_opened_by_its_name_and_by_its_menus(make_napari_viewer, qtbot, notices) -> None:
    viewer = make_napari_viewer(show=True)
    _dock, widget = viewer.window.add_plugin_dock_widget("napari-sam2", "SAM 2")
    try:
        assert type(widget).__name__ == "SegmentWidget"
        (image,) = viewer.open_sample("napari-sam2", "nuclei_stack")
        assert widget.setup.image.image is image
        assert image.axis_labels == ("z", "y", "x")
        qtbot.waitUntil(lambda: widget.setup.model.list.count() == 9, timeout=60_000)
        other = viewer.add_image(image.data[:3], name="other")
        commands = get_app_model().commands  # as napari's layer menu calls them
        commands.execute_command("napari-sam2.segment_layer")
        assert widget.setup.image.image is other
        points = viewer.add_points([(1, 10, 10)])
        commands.execute_command("napari-sam2.take_layer")
        assert "press Start first" in notices[-1]
        assert viewer.layers.selection.active is points
    finally:
        viewer.window.remove_dock_widget(widget)
        assert widget.controller.worker.wait(60)


def test_window_closed_while_a_script_waits(open_own_window, stack, gated, qtbot) -> None:
    backend, made = gated
    window = open_own_window(stack, backend, name="cells")
    window.widget.follows.click()
    session = sam2.open(window.viewer, "cells")
    session.add_prompt(1, sam2.Point(2, (20, 24)))
    QTimer.singleShot(300, window.viewer.close)  # the worker is at the gate
    with pytest.raises(SessionError, match="window closed"):
        list(session.propagate())
    made[0].let_through()
