"""Opening, downloading, deleting and closing, also while work runs: no traceback, nothing lost; a real window."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QMessageBox

from napari_sam2._napari.messages import ModelChoice
from napari_sam2._napari.state import Phase
from napari_sam2._napari.tool import Tool

pytestmark = pytest.mark.gui


@pytest.fixture
def running(open_window, stack, gated):
    """A window with a propagation that waits in front of its first update."""
    backend, made = gated
    window = open_window(stack, backend).start().go_to(2)
    window.click((20, 24))
    window.widget.propagate.click()
    window.wait(made[0].waits.is_set)
    window.session = made[0]
    return window


def test_widget_without_an_image_says_what_to_do(open_window, stack) -> None:
    window = open_window(None)
    assert "Open Sample" in window.widget.progress_view.text.text()
    assert not window.widget.start.isEnabled()
    window.viewer.add_labels(np.zeros((4, 4), dtype=int))
    assert not window.widget.start.isEnabled()
    window.viewer.add_image(stack, name="cells")
    assert window.widget.start.isEnabled()
    assert window.widget.progress_view.text.text() == "Press Start, then click on an object."


def test_image_list_follows_the_viewer(open_window, stack) -> None:
    window = open_window(stack, name="one")
    two = window.viewer.add_image(stack, name="two")
    images = window.widget.setup.image

    def names() -> list[str]:
        return [images.itemText(i) for i in range(images.count())]

    assert names() == ["one", "two"]
    assert window.widget.setup.image.image.name == "one"  # the choice stays
    two.name = "zwei"
    window.viewer.layers.move(0, 2)
    assert names() == ["zwei", "one"]
    assert window.widget.setup.image.image.name == "one"
    window.viewer.layers.remove("one")
    assert names() == ["zwei"]
    assert window.widget.setup.image.image is two


def test_selected_image_is_taken_first(shared_viewer, stack, backend, qtbot) -> None:
    from napari_sam2._napari.widget import SegmentWidget

    one = shared_viewer.add_image(stack, name="one")
    shared_viewer.add_image(stack, name="two")
    shared_viewer.layers.selection.active = one
    widget = SegmentWidget(shared_viewer, backend)
    qtbot.addWidget(widget)
    assert widget.setup.image.image is one
    widget.close()  # a widget in a window of its own
    assert widget.controller.worker.wait(30)
    shared_viewer.layers.clear()


def test_models_are_offered_and_a_download_needs_a_yes(open_window, stack, monkeypatch) -> None:
    window = open_window(stack)
    window.wait(lambda: window.widget.setup.model.list.count() == 2)
    assert window.widget.setup.model.list.currentText() == "nano (bundled)"
    window.widget.setup.model.list.setCurrentIndex(1)
    asked = []

    def question(_parent, _title, text, *_buttons):
        asked.append(text)
        return answers.pop()

    monkeypatch.setattr(QMessageBox, "question", question)
    answers = [QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No]
    window.widget.start.click()
    assert (asked, window.phase) == (["Download 156 MB?"], Phase.IDLE)
    window.start()
    assert len(asked) == 2


def test_window_suits_image_and_model_until_it_is_set_by_hand(open_window, stack, backend) -> None:
    models = (ModelChoice("nano", "nano", window_side=32), ModelChoice("big", "big"))
    window = open_window(stack, replace(backend, list_models=lambda: models))
    side, model = window.widget.setup.window_side, window.widget.setup.model.list
    window.wait(lambda: model.count() == 2)
    assert side.side == 32
    model.setCurrentIndex(1)
    assert (side.side, side.text()) == (None, "whole plane")
    model.setCurrentIndex(0)
    window.viewer.add_image(stack[:, :20, :20])
    window.widget.setup.image.setCurrentIndex(1)
    assert side.side is None  # the plane is smaller
    side.setValue(7)
    window.widget.setup.image.setCurrentIndex(0)
    assert side.side == 16  # the smallest that a session takes
    window.start()
    window.go_to(2).click((20, 24))
    assert window.labels[2].any()


def test_download_shows_its_progress_and_can_be_cancelled(open_window, stack, backend, net) -> None:
    go_on, told = threading.Event(), threading.Event()

    def load(_name, report):
        report(40_000_000, 100_000_000)
        told.set()
        assert go_on.wait(30)
        report(41_000_000, 100_000_000)
        pytest.fail("the download was not stopped")

    window = open_window(stack, replace(backend, load_model=load))
    window.widget.start.click()
    assert told.wait(30)
    window.wait(lambda: window.widget.progress_view.bar.value() == 40)
    assert window.widget.progress_view.bar.text() == "Downloading nano (MB): 40 of 100"
    assert not window.widget.setup.image.isVisible()
    window.widget.stop.click()
    go_on.set()
    window.wait(lambda: window.phase is Phase.IDLE)
    assert window.widget.progress_view.text.text() == "Stopped."
    assert len(window.viewer.layers) == 1


def test_model_that_cannot_be_loaded_is_one_clear_sentence(
    open_window, stack, backend, notices
) -> None:
    from napari_sam2.errors import CheckpointError

    def load(pick, _report):
        raise CheckpointError(f"{pick.name} is damaged; install it again.")

    window = open_window(stack, replace(backend, load_model=load))
    window.widget.start.click()
    window.wait(lambda: window.phase is Phase.IDLE)
    assert notices == ["SAM 2: nano is damaged; install it again."]
    assert window.widget.start.text() == "Start"


def test_window_does_not_wait_for_the_worker(running, qtbot) -> None:
    """The propagation stands still at its gate; the window does everything else meanwhile."""
    from time import perf_counter

    ticks = []
    start = perf_counter()
    running.widget.new_object.click()
    running.widget.object_id.setValue(5)
    running.go_to(0)
    running.viewer.dims.ndisplay = 3
    running.viewer.dims.ndisplay = 2
    running.widget.stop.click()
    ticks.append(perf_counter() - start)
    assert running.phase is Phase.RUNNING
    assert ticks[0] < 10  # and not the 30 s of the gate
    running.session.let_through()
    running.settle()


def test_image_deleted_while_running(running, caught, notices) -> None:
    session = running.session
    running.viewer.layers.remove(running.viewer.layers[0])
    assert running.phase is Phase.IDLE
    assert "was removed" in running.widget.progress_view.text.text()
    session.let_through()
    running.settle()
    running.qtbot.wait(100)
    assert len(running.viewer.layers) == 3
    assert notices == []


@pytest.mark.parametrize("which", ["labels", "prompts", "shapes"])
def test_layer_of_ours_deleted_while_running_is_put_back(running, caught, which, notices) -> None:
    layer = getattr(running.controller.binding, which)
    running.viewer.layers.remove(layer)
    running.wait(lambda: layer in running.viewer.layers)
    assert "was put back" in running.widget.progress_view.text.text()
    running.session.let_through()
    running.settle()
    assert np.array_equal(running.labels, running.session.labels)
    assert running.labels.any(axis=(1, 2)).all()
    running.widget.tools.buttons[Tool.POINT].click()
    if running.state.tool is Tool.PAN:
        running.widget.tools.buttons[Tool.POINT].click()
    running.click((10, 10))
    assert len(running.prompts.data) == 2
    assert notices == []


def test_layers_renamed_reordered_and_hidden_while_running(running, caught) -> None:
    for layer in running.viewer.layers:
        layer.name = "renamed"
    running.viewer.layers.move(0, 4)
    running.layer.visible = False
    running.session.let_through()
    running.settle()
    assert running.layer.data.any(axis=(1, 2)).all()


def test_everything_cleared_while_running(running, caught) -> None:
    running.viewer.layers.clear()
    assert running.phase is Phase.IDLE
    assert not running.widget.start.isEnabled()


def test_dock_closed_while_running(running, caught, shared_viewer) -> None:
    layer, controller = running.layer, running.controller
    shared_viewer.window.remove_dock_widget(running.widget)
    assert controller.binding is None
    assert not shared_viewer.keymap
    running.session.let_through()
    assert controller.worker.wait(30)
    running.qtbot.wait(50)
    assert (layer.data[2] == 1).any()  # what was done stays


def test_finish_and_start_again(open_window, stack) -> None:
    window = open_window(stack).start().go_to(2)
    window.click((20, 24))
    first = window.layer
    window.widget.start.click()
    assert (window.widget.start.text(), window.phase) == ("Start", Phase.IDLE)
    window.start().click((20, 24))
    assert np.array_equal(window.layer.data, first.data)
    assert window.layer is not first
    assert len(window.viewer.layers) == 7


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_widget_fits_a_small_screen(open_window, stack, theme) -> None:
    window = open_window(stack)
    window.viewer.theme = theme
    hint = window.widget.minimumSizeHint()
    assert hint.width() <= 320
    assert hint.height() <= 640  # of 768, less menu, title and status bar
    window.start()
    hint = window.widget.minimumSizeHint()
    assert hint.width() <= 320
    assert hint.height() <= 640  # of 768, less menu, title and status bar
    kinds = QAbstractButton, QComboBox, QAbstractSpinBox
    ours = [each for kind in kinds for each in window.widget.findChildren(kind)]
    assert len(ours) > 20
    for child in ours:
        assert child.toolTip() or child.parent() is not window.widget, child.text()
    window.viewer.theme = "dark"


def test_all_can_be_reached_with_the_keyboard(open_window, stack) -> None:
    window = open_window(stack).start()
    names = [
        *("start", "object_id", "new_object", "positive", "next_mask", "from_layer", "ghost"),
        *("strokes", "undo", "redo", "follows", "propagate", "stop"),
    ]
    controls = [getattr(window.widget, name) for name in names]
    for control in (*controls, *window.widget.tools.buttons.values()):
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, control.text()
