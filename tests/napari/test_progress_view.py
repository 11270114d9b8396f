"""How far things are: seldom drawn, and never without a word."""

import pytest
from qtpy.QtCore import QEvent

from napari_sam2 import Progress
from napari_sam2._napari.progress_view import ProgressView


@pytest.fixture
def view(qtbot):
    view = ProgressView()
    qtbot.addWidget(view)
    view.show()
    qtbot.waitExposed(view)
    return view


def test_unknown_end_moves_the_bar_but_seldom(view, qtbot, count_events) -> None:
    view.show_progress(Progress(0, 0))
    paints = count_events(view.bar, QEvent.Type.Paint)
    seen = set()
    for _ in range(15):
        qtbot.wait(100)
        seen.add(view.bar.value())
    assert len(seen) >= 3  # it moves
    assert paints.count <= 6  # Qt's own would have been drawn forty times
    assert view.bar.text() == ""


def test_nothing_moves_for_what_ends_soon(view, qtbot) -> None:
    view.show_progress(Progress(0, 0))
    qtbot.wait(100)
    view.show_progress(None)
    qtbot.wait(400)
    assert (view.bar.value(), view.bar.maximum()) == (0, 1)


def test_steps_take_the_place_of_the_moving_bar(view, qtbot) -> None:
    view.show_progress(Progress(0, 0))
    qtbot.waitUntil(lambda: view.bar.value() > 0)
    view.show_progress(Progress(3, 20, "Tracking, frame 5"))
    qtbot.wait(600)
    assert view.bar.text() == "Tracking, frame 5: 3 of 20"
    assert (view.bar.value(), view.bar.maximum()) == (3, 20)
