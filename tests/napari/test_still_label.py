"""A text that changes without laying the window out again."""

import pytest
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_sam2._napari.still_label import StillLabel

LONG = "The device ran out of memory; going on on the processor, slower. " * 4


@pytest.fixture
def window(qtbot):
    window = QWidget()
    label = StillLabel(lines=2)
    QVBoxLayout(window).addWidget(label)
    window.resize(300, 200)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    qtbot.wait(50)
    return window, label


def test_another_short_text_lays_nothing_out(window, qtbot, count_events) -> None:
    outer, label = window
    layouts = count_events(outer, QEvent.Type.LayoutRequest)
    height = label.height()
    for text in ("Tracking ... Esc stops.", "All frames are done."):
        label.setText(text)
        qtbot.wait(20)
    assert label.text() == "All frames are done."
    assert (label.height(), layouts.count) == (height, 0)


def test_long_text_gets_its_room_and_gives_it_back(window, qtbot) -> None:
    _, label = window
    before = label.height()
    label.setText(LONG)
    qtbot.waitUntil(lambda: label.height() > before)
    shown = label.findChild(QWidget)
    assert shown.height() >= shown.heightForWidth(label.width())
    label.setText("Short.")
    qtbot.waitUntil(lambda: label.height() == before)


def test_narrow_window_wraps_anew(window, qtbot) -> None:
    outer, label = window
    outer.resize(600, 200)
    label.setText(LONG[:150])
    qtbot.wait(20)
    wide = label.height()
    outer.resize(150, 300)
    qtbot.waitUntil(lambda: label.height() > wide)
