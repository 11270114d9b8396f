"""Area and confidence of one object over the frames, in a real Qt window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from napari_sam2._napari.curve import CurveData, ObjectCurve, runs_with_values, short_number

NAN = np.nan


@pytest.fixture
def data() -> CurveData:
    area = np.array([NAN, NAN, 100.0, 150, 200, 180, 160, NAN, 90, NAN])
    confidence = np.where(np.isnan(area), NAN, 0.9)
    confidence[6] = 0.1
    trusted = np.zeros(10, dtype=bool)
    trusted[4] = True
    return CurveData(3, area, confidence, trusted)


@pytest.fixture
def curve(qtbot, data):
    curve = ObjectCurve()
    qtbot.addWidget(curve)
    curve.resize(342, 130)
    curve.show()
    qtbot.waitExposed(curve)
    curve.show_object(data)
    return curve


def place(curve, frame) -> QPoint:
    return QPoint(round(curve.frame_x(frame)), curve.height() // 2)


def colours(curve, frame) -> set:
    """All colours of a frame's column on the screen."""
    picture = curve.grab().toImage()
    x = round(curve.frame_x(frame))
    return {picture.pixelColor(x, y).getRgb()[:3] for y in range(curve.height())}


def test_runs_are_the_stretches_with_values() -> None:
    assert list(runs_with_values(np.array([NAN, 1, 2, NAN, 3]))) == [(1, 3), (4, 5)]
    assert list(runs_with_values(np.array([NAN, NAN]))) == []
    assert list(runs_with_values(np.array([1.0]))) == [(0, 1)]


@pytest.mark.parametrize(
    ("value", "text"),
    [(7, "7"), (950.4, "950"), (1234, "1.2k"), (9960, "10k"), (35_400, "35k"), (1.1e6, "1.1M")],
)
def test_large_numbers_are_short(value, text) -> None:
    assert short_number(value) == text


def test_arrays_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="each has one value per frame"):
        CurveData(1, np.zeros(3), np.zeros(4), np.zeros(3, dtype=bool))


@pytest.mark.gui
def test_click_jumps_to_the_frame(curve, qtbot) -> None:
    for frame in (0, 4, 9):
        with qtbot.waitSignal(curve.go_to) as asked:
            qtbot.mouseClick(curve, Qt.MouseButton.LeftButton, pos=place(curve, frame))
        assert asked.args == [3, frame]


@pytest.mark.gui
def test_click_beside_the_curves_does_nothing(curve, qtbot) -> None:
    with qtbot.assertNotEmitted(curve.go_to):
        qtbot.mouseClick(curve, Qt.MouseButton.LeftButton, pos=QPoint(3, 40))


@pytest.mark.gui
def test_arrows_walk_and_stay_inside(curve, qtbot) -> None:
    went = []
    curve.go_to.connect(lambda _id, frame: went.append(frame))
    curve.set_frame(8)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left):
        qtbot.keyClick(curve, key)
    assert went == [9, 9, 8]


@pytest.mark.gui
def test_both_curves_are_drawn_where_there_is_a_mask(curve) -> None:
    empty, with_mask = colours(curve, 0), colours(curve, 5)
    assert len(with_mask) > len(empty)
    assert any(b > r + 40 for r, _, b in with_mask)  # sure: blue
    assert any(r > b + 60 for r, _, b in colours(curve, 6))  # unsure: vermilion
    assert (255, 255, 255) in colours(curve, 4)  # the diamond of a prompted frame


@pytest.mark.gui
def test_tip_says_the_numbers(curve) -> None:
    assert curve.tip_at(place(curve, 4)) == (
        "Object 3, frame 4: 200 pixels, confidence 0.90, prompted or accepted"
    )
    assert curve.tip_at(place(curve, 0)) == "Object 3, frame 0: no mask"
    assert curve.tip_at(QPoint(2, 2)) == curve.toolTip()


@pytest.mark.gui
@pytest.mark.parametrize("n", [0, 1])
def test_nothing_and_one_frame(curve, qtbot, n) -> None:
    curve.show_object(CurveData(1, np.full(n, 5.0), np.full(n, 0.5), np.zeros(n, dtype=bool)))
    curve.repaint()
    assert curve.frame_at(curve.width() / 2) == (0 if n else None)
    curve.show_object(None)
    curve.repaint()
    assert curve.tip_at(place(curve, 0)) == curve.toolTip()


@pytest.mark.gui
def test_object_without_any_mask_can_be_shown(curve) -> None:
    curve.show_object(CurveData(1, np.full(5, NAN), np.full(5, NAN), np.zeros(5, dtype=bool)))
    curve.repaint()
    assert curve.tip_at(place(curve, 2)) == "Object 1, frame 2: no mask"
