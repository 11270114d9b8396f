"""Saving, opening and going on after an end, through the window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_sam2 import Point, Session
from napari_sam2._napari import saving_bar

if TYPE_CHECKING:
    from napari_sam2._napari.backend import Backend

pytestmark = pytest.mark.gui


@pytest.fixture
def keeping(backend: Backend) -> Backend:
    """A backend that keeps every action on disk."""
    return replace(backend, keeps_work=True)


def objects_of(window) -> list[int]:
    return [each.object_id for each in window.widget.objects.objects]


def work(window) -> np.ndarray:
    """Make one object, carry it, and return what is shown."""
    window.start().click((20, 20))
    window.widget.propagate.click()
    window.wait(lambda: not window.state.pending)
    window.settle()
    return window.labels.copy()


def test_what_was_shown_is_offered_and_comes_back(open_window, keeping, stack):
    window = open_window(stack, keeping)
    shown = work(window)
    assert shown.any(axis=(1, 2)).sum() == 5
    window.widget.start.click()  # Finish: nothing was saved
    window.settle()
    window.start()
    notice = window.widget.saving.notice
    window.wait(lambda: not notice.isHidden())
    assert "1 object" in notice.text.text()
    assert not window.labels.any()
    notice.go_on_button.click()
    window.settle()
    np.testing.assert_array_equal(window.labels, shown)
    assert len(window.prompts.data) == 1
    window.wait(lambda: objects_of(window) == [1])
    assert notice.isHidden()


def test_discarded_work_is_not_offered_again(open_window, keeping, stack, monkeypatch):
    window = open_window(stack, keeping)
    work(window)
    window.widget.start.click()
    window.settle()
    window.start()
    notice = window.widget.saving.notice
    window.wait(lambda: not notice.isHidden())
    monkeypatch.setattr(notice, "_ask", lambda _question: True)
    notice.discard_button.click()
    window.settle()
    window.widget.start.click()
    window.settle()
    window.start()
    window.qtbot.wait(50)
    assert notice.isHidden()


def test_a_saved_session_is_opened_again(open_window, keeping, stack, tmp_path, monkeypatch):
    folder = tmp_path / "mine.sam2session"
    window = open_window(stack, keeping)
    shown = work(window)
    monkeypatch.setattr(saving_bar, "ask_folder_to_save", lambda *_: folder)
    window.widget.saving.save.click()
    window.settle()
    assert (folder / "session.json").is_file()
    assert str(folder) in window.state.text
    window.controller.delete([1])
    window.settle()
    assert not window.labels.any()
    window.widget.start.click()
    window.settle()
    window.start()
    assert window.widget.saving.notice.isHidden()  # what was saved is not unsaved work
    monkeypatch.setattr(saving_bar, "ask_folder_to_open", lambda *_: folder)
    window.widget.saving.open.click()
    window.settle()
    # the deletion came after the saving, and was kept beside it
    assert shown.any()
    assert not window.labels.any()


def test_a_folder_of_another_image_changes_nothing(
    open_window, keeping, net, stack, tmp_path, monkeypatch, notices
):
    folder = tmp_path / "other.sam2session"
    other = Session(stack[:3], net)
    other.add_prompt(1, Point(0, (20, 20)))
    other.save(folder)
    window = open_window(stack, keeping)
    shown = work(window)
    monkeypatch.setattr(saving_bar, "ask_folder_to_open", lambda *_: folder)
    window.widget.saving.open.click()
    window.settle()
    assert any("shape" in text for text in notices)
    np.testing.assert_array_equal(window.labels, shown)
    window.click((10, 30))  # the session that was open goes on
    assert window.prompts.features["object_id"].tolist() == [1, 1]
