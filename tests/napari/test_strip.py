"""The trust strip: the picture as an array, and the widget in a real window."""

from __future__ import annotations

import time

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, Qt
from qtpy.QtWidgets import QApplication

from napari_sam2._napari.confidence_colors import STOPS, colors_of
from napari_sam2._napari.strip import TrustStrip
from napari_sam2._napari.strip_picture import StripPicture

NAN = np.nan


# colours


def test_colors_run_from_unsure_to_sure_and_nothing_is_transparent() -> None:
    colors = colors_of(np.array([0.0, 0.5, 1.0, NAN, -3.0, 7.0]))
    assert colors.dtype == np.uint8
    assert colors[0, :3].tolist() == list(STOPS[0][1])
    assert colors[2, :3].tolist() == list(STOPS[-1][1])
    assert colors[:, 3].tolist() == [255, 255, 255, 0, 255, 255]
    assert (colors[4] == colors[0]).all()
    assert (colors[5] == colors[2]).all()


# what a red-blind, a green-blind and a blue-blind eye see, linear RGB: Machado et al. 2009, table 1, severity 1
BLIND = {
    "red": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "green": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "blue": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.mark.parametrize("eye", BLIND)
def test_colors_are_told_apart_by_the_colour_blind(eye) -> None:
    from skimage.color import deltaE_ciede2000, rgb2lab

    rgb = colors_of(np.array([0.1, 0.5, 0.75, 0.98]))[:, :3] / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(BLIND[eye]).T, 0, 1)
    lab = rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))
    apart = [deltaE_ciede2000(lab[i], lab[j]) for i in range(4) for j in range(i)]
    assert min(apart) > 10  # 2.3 is just noticeable


@pytest.mark.parametrize("ground", [(38, 41, 48), (222, 219, 217)])
def test_colors_stand_out_on_both_themes(ground) -> None:
    colors = colors_of(np.linspace(0, 1, 11))[:, :3].astype(int)
    assert np.abs(colors - np.array(ground)).sum(axis=1).min() > 80


# the picture


def test_one_column_per_frame_where_they_fit() -> None:
    confidence = np.array([[0.0, 1.0, NAN], [NAN, NAN, 0.5]])
    picture = StripPicture(confidence, np.zeros((2, 3), dtype=bool))
    picture.fit(100)
    assert picture.pixels.shape == (2, 3, 4)
    assert (picture.pixels == colors_of(confidence.astype(np.float32))).all()


def test_shared_column_shows_the_least_sure_frame() -> None:
    # frames     0    1    2    3    4    5
    confidence = [[0.9, 0.2, NAN, 0.8, NAN, NAN]]
    trusted = [[False, False, False, True, False, False]]
    picture = StripPicture(np.array(confidence), np.array(trusted))
    picture.fit(3)
    assert (picture.pixels[0] == colors_of(np.array([0.2, 0.8, NAN], dtype=np.float32))).all()
    assert [picture.worst_in(0, column) for column in range(3)] == [1, 3, 4]
    assert picture.trusted_columns(0).tolist() == [1]
    assert [picture.column_of(frame) for frame in range(6)] == [0, 0, 1, 1, 2, 2]


def test_every_frame_has_one_column_whatever_the_width() -> None:
    for n_frames in (1, 7, 100):
        for width in (1, 3, 7, 64, 500):
            picture = StripPicture(np.zeros((1, n_frames)), np.zeros((1, n_frames), dtype=bool))
            picture.fit(width)
            columns = [picture.column_of(frame) for frame in range(n_frames)]
            assert sorted(set(columns)) == list(range(picture.n_columns))
            assert columns == sorted(columns)


def test_change_of_a_cell_changes_its_column_only() -> None:
    picture = StripPicture(np.full((3, 8), 0.9), np.zeros((3, 8), dtype=bool))
    picture.fit(4)
    before = picture.pixels.copy()
    picture.set_cell(1, 5, 0.1, True)
    changed = np.argwhere((picture.pixels != before).any(axis=-1)).tolist()
    assert changed == [[1, 2]]
    assert picture.trusted_columns(1).tolist() == [2]


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"confidence is \(1, 3\) and trusted is \(1, 2\)"):
        StripPicture(np.zeros((1, 3)), np.zeros((1, 2), dtype=bool))


# the widget


@pytest.fixture
def strip(qtbot):
    strip = TrustStrip()
    qtbot.addWidget(strip)
    strip.resize(342, 140)
    strip.show()
    qtbot.waitExposed(strip)
    confidence = np.full((4, 10), 0.9)
    confidence[1, 6] = 0.05
    confidence[2, :5] = NAN
    trusted = np.zeros((4, 10), dtype=bool)
    trusted[0, 2] = True
    strip.show_objects([1, 2, 3, 8], confidence, trusted)
    return strip


@pytest.mark.gui
def test_click_jumps_to_object_and_frame(strip, qtbot) -> None:
    with qtbot.waitSignal(strip.go_to) as asked:
        place = strip.cell_center(2, 6)
        qtbot.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert asked.args == [2, 6]
    assert (strip.object_id, strip.frame) == (2, 6)


@pytest.mark.gui
def test_click_on_a_crowded_column_goes_to_its_worst_frame(strip, qtbot) -> None:
    confidence = np.full((1, 5000), 0.9)
    confidence[0, 2501] = 0.1
    strip.show_objects([4], confidence, np.zeros((1, 5000), dtype=bool))
    with qtbot.waitSignal(strip.go_to) as asked:
        place = strip.cell_center(4, 2501)  # some 16 frames share this column
        qtbot.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert asked.args == [4, 2501]


@pytest.mark.gui
def test_keys_walk_and_stay_inside(strip, qtbot) -> None:
    went = []
    strip.go_to.connect(lambda object_id, frame: went.append((object_id, frame)))
    strip.set_object(3)
    key = Qt.Key
    for pressed in (
        key.Key_Right,
        key.Key_Down,
        key.Key_Down,
        key.Key_End,
        key.Key_Right,
        key.Key_Up,
    ):
        qtbot.keyClick(strip, pressed)
    assert went == [(3, 1), (8, 1), (8, 1), (8, 9), (8, 9), (3, 9)]


@pytest.mark.gui
def test_pixels_have_the_colors_of_the_confidence(strip) -> None:
    picture = strip.viewport().grab().toImage()

    def at(object_id, frame):
        return picture.pixelColor(strip.cell_center(object_id, frame)).getRgb()[:3]

    sure, unsure = (tuple(colors_of(np.float32([c]))[0, :3].tolist()) for c in (0.9, 0.05))
    assert at(1, 5) == sure
    assert at(2, 6) == unsure
    assert at(3, 2) not in (sure, unsure)  # no mask: the ground
    assert at(1, 2) == (255, 255, 255)  # the diamond of a prompted frame


@pytest.mark.gui
def test_change_of_a_cell_paints_nothing_else(strip, qtbot, monkeypatch) -> None:
    painted = []
    paint = TrustStrip.paintEvent

    def spy(self, event):
        painted.append(event.rect())
        paint(self, event)

    qtbot.wait(20)
    monkeypatch.setattr(TrustStrip, "paintEvent", spy)
    strip.update_cell(8, 7, 0.02, False)
    qtbot.waitUntil(lambda: bool(painted))
    cell_width = strip.viewport().width() / 10
    assert all(rect.width() <= cell_width + 8 and rect.height() <= 12 for rect in painted)
    unsure = tuple(colors_of(np.float32([0.02]))[0, :3].tolist())
    picture = strip.viewport().grab().toImage()
    assert picture.pixelColor(strip.cell_center(8, 7)).getRgb()[:3] == unsure


@pytest.mark.gui
def test_row_is_added_changed_and_unknown_ones_are_passed_over(strip) -> None:
    strip.update_row(9, np.full(10, 0.4), np.zeros(10, dtype=bool))
    assert "Object 9, frame 3: confidence 0.40" in strip.tip_at(strip.cell_center(9, 3))
    strip.update_row(9, np.full(10, NAN), np.ones(10, dtype=bool))
    assert (
        strip.tip_at(strip.cell_center(9, 3)) == "Object 9, frame 3: no mask, prompted or accepted"
    )
    strip.update_cell(77, 0, 0.5, False)
    strip.update_cell(9, 10, 0.5, False)


@pytest.mark.gui
def test_first_row_of_an_empty_strip(qtbot) -> None:
    strip = TrustStrip()
    qtbot.addWidget(strip)
    strip.show()
    strip.viewport().repaint()
    assert strip.tip_at(QPoint(5, 5)) == strip.toolTip()
    strip.update_row(1, np.full(6, 0.5), np.zeros(6, dtype=bool))
    assert "Object 1, frame 5" in strip.tip_at(strip.cell_center(1, 5))
    strip.show_objects([], np.zeros((0, 6)), np.zeros((0, 6), dtype=bool))
    assert strip.tip_at(QPoint(5, 5)) == strip.toolTip()


@pytest.mark.gui
def test_marked_object_is_scrolled_to(strip, qtbot) -> None:
    n = 100
    strip.show_objects(range(1, n + 1), np.full((n, 10), 0.5), np.zeros((n, 10), dtype=bool))
    strip.set_object(90)
    assert strip.viewport().rect().contains(strip.cell_center(90, 0))
    strip.set_object(1)
    assert strip.viewport().rect().contains(strip.cell_center(1, 0))


@pytest.mark.gui
def test_ids_are_not_confused_with_rows(strip) -> None:
    with pytest.raises(ValueError, match="2 ids were given for 3 rows"):
        strip.show_objects([1, 2], np.zeros((3, 4)), np.zeros((3, 4), dtype=bool))
    strip.viewport().repaint()  # what was shown before still is


@pytest.mark.gui
def test_300_objects_by_2000_frames_stay_smooth(qtbot) -> None:
    rng = np.random.default_rng(0)
    strip = TrustStrip()
    qtbot.addWidget(strip)
    strip.resize(1300, 400)
    strip.show()
    qtbot.waitExposed(strip)
    confidence = rng.random((300, 2000), dtype=np.float32)
    strip.show_objects(range(300), confidence, rng.random((300, 2000)) < 0.002)

    def seconds(action, n=5):
        took = []
        for _ in range(n):
            begin = time.perf_counter()
            action()
            QApplication.sendPostedEvents(None, QEvent.Type.UpdateRequest)
            took.append(time.perf_counter() - begin)
        return min(took)

    assert seconds(strip.viewport().repaint) < 0.1
    assert seconds(lambda: strip.update_cell(5, 999, 0.3, False)) < 0.05
    assert seconds(lambda: strip.update_row(5, confidence[6], confidence[6] > 2)) < 0.05
