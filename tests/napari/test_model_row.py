"""The model's row in the widget and the dialog behind it, with a stand-in for the machine."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox

from napari_sam2._napari.model_facts import DeviceFacts, MachineFacts, ModelFacts, ModelPick
from napari_sam2._napari.model_jobs import ModelJobs
from napari_sam2._napari.preferences import JsonStore, Preferences
from napari_sam2._napari.state import Phase
from napari_sam2.errors import DownloadError

pytestmark = pytest.mark.gui

NANO = ModelFacts("nano", 7_000_000, "BSD-3-Clause", note="Small.")
BIG = ModelFacts("big", 156_000_000, "Apache-2.0", "huggingface.co/x/big", False, "Better.")
DEVICES = (
    DeviceFacts("cuda:0", "Some card", "bfloat16", True),
    DeviceFacts("cpu", "Some processor", "float32"),
)


@pytest.fixture(autouse=True)
def _own_preferences(monkeypatch) -> None:
    """Not napari's, which outlive a test; the file lies in the test's own folder."""
    monkeypatch.setattr("napari_sam2._napari.preferences.find_store", JsonStore)


class Machine:
    """A machine to which a model can be fetched."""

    def __init__(self) -> None:
        self.is_here = False
        self.error: Exception | None = None
        self.may_go_on = threading.Event()
        self.jobs = ModelJobs(self.describe, lambda pick: len(pick.device), self.fetch)

    def describe(self) -> MachineFacts:
        return MachineFacts((NANO, replace(BIG, is_here=self.is_here)), DEVICES)

    def fetch(self, name, report) -> None:
        if self.error is not None:
            raise self.error
        for done in range(100):
            report(done * 1_560_000, 156_000_000)
            assert self.may_go_on.wait(30)
        self.is_here = True


@pytest.fixture
def machine(monkeypatch) -> Machine:
    monkeypatch.setattr(QMessageBox, "question", lambda *_args: QMessageBox.StandardButton.Yes)
    return Machine()


@pytest.fixture
def window(open_window, stack, backend, machine):
    window = open_window(stack, replace(backend, model_jobs=machine.jobs))
    window.wait(lambda: window.widget.setup.model.list.count() == 2)
    return window


def open_dialog(window):
    row = window.widget.setup.model
    window.qtbot.mouseClick(row.more, Qt.MouseButton.LeftButton)
    window.wait(lambda: row.dialog.picker.is_ready or row.dialog.picker.facts is not None)
    return row.dialog


def test_dialog_shows_what_is_chosen_and_the_list_follows_it(window) -> None:
    row = window.widget.setup.model
    row.list.setCurrentIndex(1)
    dialog = open_dialog(window)
    assert dialog.isVisible() and not dialog.isModal()
    assert dialog.picker.pick == ModelPick("big")
    window.wait(lambda: "about 4.0 s a frame" in dialog.picker.speed.text())
    picker = dialog.picker
    picker.device.setCurrentIndex(picker.device.findData("cpu"))
    picker.model.setCurrentIndex(0)
    assert row.pick == ModelPick("nano", "cpu")
    assert row.list.currentText() == "nano (bundled)"
    row.list.setCurrentIndex(1)
    assert picker.pick == ModelPick("big", "cpu")


def test_session_is_opened_with_device_and_precision(open_window, stack, backend, net) -> None:
    asked = []
    loads = replace(backend, load_model=lambda pick, _report: asked.append(pick) or net)
    window = open_window(stack, loads)
    window.widget.setup.model.take(ModelPick("nano", "cpu", "float32"))
    window.start()
    assert asked == [ModelPick("nano", "cpu", "float32")]
    assert window.widget.opened.text().endswith("nano on cpu, float32")


def test_download_goes_on_while_clicks_are_answered(window, machine) -> None:
    window.start()
    dialog = open_dialog(window)
    dialog.picker.model.setCurrentIndex(1)
    window.qtbot.mouseClick(dialog.picker.download, Qt.MouseButton.LeftButton)
    window.wait(lambda: dialog.picker.progress.text() == "0 of 156 MB")
    window.go_to(2).click((20, 24))
    assert window.labels[2].any()
    machine.may_go_on.set()
    window.wait(lambda: dialog.picker.is_ready)
    assert window.widget.setup.model.choice.question == ""
    window.widget.start.click()
    window.start()  # without a question
    assert window.widget.opened.text().endswith("big")


def test_download_is_stopped_and_a_failure_is_said(window, machine) -> None:
    dialog = open_dialog(window)
    dialog.picker.model.setCurrentIndex(1)
    dialog.picker.download.click()
    window.wait(lambda: dialog.picker.progress.text() == "0 of 156 MB")
    dialog.picker.cancel.click()
    machine.may_go_on.set()
    window.wait(lambda: "kept" in dialog.picker.problem.text())
    machine.error = DownloadError("no network: plug the cable in.")
    dialog.picker.download.click()
    window.wait(lambda: dialog.picker.problem.text() == "no network: plug the cable in.")
    assert dialog.picker.download.isVisible()


def test_download_ends_with_the_widget(window, machine) -> None:
    dialog = open_dialog(window)
    dialog.picker.model.setCurrentIndex(1)
    dialog.picker.download.click()
    window.wait(lambda: dialog.picker.progress.text() == "0 of 156 MB")
    window.viewer.window.remove_dock_widget(window.widget)
    machine.may_go_on.set()
    assert dialog._worker.wait(30)
    assert not machine.is_here


def test_default_is_remembered(window) -> None:
    dialog = open_dialog(window)
    picker = dialog.picker
    picker.device.setCurrentIndex(picker.device.findData("cpu"))
    window.qtbot.mouseClick(dialog.prefer, Qt.MouseButton.LeftButton)
    kept = Preferences()
    assert [kept.get("model", key) for key in ("name", "device", "precision")] == [
        "nano",
        "cpu",
        "auto",
    ]
    assert window.phase is Phase.IDLE


@pytest.mark.parametrize(
    ("wanted", "is_shown"), [("on", True), ("off", False), ("automatic", True)]
)
def test_ghost_is_as_preferred(open_window, stack, wanted, is_shown) -> None:
    Preferences().set("general", "ghost", wanted)
    window = open_window(stack).start()
    assert window.state.ghost is is_shown


def test_preferred_model_is_chosen_once_the_models_are_known(
    open_window, stack, backend, machine
) -> None:
    Preferences().set("model", "name", "big")
    window = open_window(stack, replace(backend, model_jobs=machine.jobs))
    window.wait(lambda: window.widget.setup.model.list.count() == 2)
    assert window.widget.setup.model.pick.name == "big"
