"""The whole way of a click, in a real window: equal to the same prompts in a session without a window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_sam2 import Session
from napari_sam2._napari.state import Phase
from napari_sam2._napari.tool import Tool

pytestmark = pytest.mark.gui

SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def window(open_window, stack):
    return open_window(stack).start().go_to(2)


@pytest.fixture
def headless(stack, net) -> Session:
    return Session(stack, net, drops_islands=True)


def test_click_is_a_mask_on_the_plane_at_once(window, headless, as_point) -> None:
    window.click((20, 24))
    (place,) = window.prompts.data
    assert place == pytest.approx([2, 20, 24], abs=0.3)
    headless.add_prompt(1, as_point(window.prompts))
    assert headless.labels[2].any()
    assert np.array_equal(window.labels, headless.labels)


def test_propagate_fills_all_frames(window, headless, as_point) -> None:
    window.click((20, 24))
    assert window.widget.propagate.isEnabled()
    window.widget.propagate.click()
    window.settle()
    headless.add_prompt(1, as_point(window.prompts))
    assert len(list(headless.propagate())) == 4
    assert np.array_equal(window.labels, headless.labels)
    assert window.widget.progress_view.text.text() == "All frames are done."
    assert not window.widget.propagate.isEnabled()


@pytest.mark.parametrize(
    ("modifier", "button"),
    [
        (SHIFT, Qt.MouseButton.LeftButton),
        (Qt.KeyboardModifier.NoModifier, Qt.MouseButton.RightButton),
    ],
    ids=["shift", "right button"],
)
def test_negative_click_takes_a_place_away(window, headless, as_point, modifier, button) -> None:
    window.click((20, 24))
    window.click((10, 10), modifier, button)
    window.click((30, 40))
    assert window.prompts.features["positive"].tolist() == [True, False, True]
    assert [str(symbol) for symbol in window.prompts.symbol] == ["disc", "x", "disc"]
    for row in range(3):
        headless.add_prompt(1, as_point(window.prompts, row))
    assert np.array_equal(window.labels, headless.labels)


def test_undo_and_redo_take_point_and_mask_with_them(window) -> None:
    window.click((20, 24))
    one = window.labels.copy()
    window.click((10, 10), SHIFT)
    two = window.labels.copy()
    assert not np.array_equal(one, two)
    for expected, n_points, button in [
        (one, 1, window.widget.undo),
        (np.zeros_like(one), 0, window.widget.undo),
        (one, 1, window.widget.redo),
        (two, 2, window.widget.redo),
    ]:
        button.click()
        window.settle()
        assert np.array_equal(window.labels, expected)
        assert len(window.prompts.data) == n_points
    assert window.prompts.features["positive"].tolist() == [True, False]
    assert not window.widget.redo.isEnabled()


def test_control_z_on_the_canvas_undoes(window) -> None:
    window.click((20, 24))
    window.press(Qt.Key.Key_Z, CONTROL)
    window.settle()
    assert not window.labels.any()
    window.press(Qt.Key.Key_Z, CONTROL | SHIFT)
    window.settle()
    assert window.labels[2].any()


def test_undo_takes_a_propagation_back(window) -> None:
    window.click((20, 24))
    before = window.labels.copy()
    window.widget.propagate.click()
    window.settle()
    assert "propagate" in window.widget.undo.toolTip()
    window.widget.undo.click()
    window.settle()
    assert np.array_equal(window.labels, before)
    assert len(window.prompts.data) == 1


def test_deleted_point_is_taken_back(window, headless, as_point) -> None:
    window.click((20, 24))
    window.click((10, 10), SHIFT)
    headless.add_prompt(1, as_point(window.prompts, 0))
    window.press(Qt.Key.Key_Delete)  # the newest point is selected
    window.settle()
    assert len(window.prompts.data) == 1
    assert np.array_equal(window.labels, headless.labels)
    window.prompts.selected_data = {0}
    window.prompts.remove_selected()
    window.settle()
    assert not window.labels.any()


def test_moved_point_is_a_new_prompt(window, net, stack, as_point) -> None:
    window.click((20, 24))
    window.prompts.mode = "select"
    window.drag((20, 24), (12, 12))
    (place,) = window.prompts.data
    assert place == pytest.approx([2, 12, 12], abs=0.5)
    assert window.controller.binding._known == {_click(1, as_point(window.prompts))}
    (prompts,) = window.controller.binding._known
    # decoded with both points, then with the new one alone: as in a session
    session = Session(stack, net, drops_islands=True)
    session.add_prompt(1, prompts.point)
    session.remove_prompts(1, 2)
    session.add_prompt(1, prompts.point)
    assert np.array_equal(window.labels, session.labels)


def _click(object_id, point):
    from napari_sam2._napari.messages import Click

    return Click(object_id, point)


def test_second_object_has_its_own_number_and_colour(window, headless, as_point) -> None:
    window.click((20, 24))
    first = window.controller.state.color
    window.widget.new_object.click()
    assert window.widget.object_id.value() == 2
    assert window.controller.state.color != first
    window.click((5, 40))
    assert window.prompts.features["object_id"].tolist() == [1, 2]
    assert not np.array_equal(*window.prompts.face_color)
    headless.add_prompt(1, as_point(window.prompts, 0))
    headless.add_prompt(2, as_point(window.prompts, 1))
    assert set(np.unique(headless.labels)) == {0, 1, 2}
    assert np.array_equal(window.labels, headless.labels)
    window.widget.propagate.click()
    window.settle()
    list(headless.propagate())
    assert np.array_equal(window.labels, headless.labels)


def test_new_object_is_the_next_free_number(window) -> None:
    window.widget.new_object.click()
    assert window.widget.object_id.value() == 1
    window.widget.object_id.setValue(7)
    window.click((20, 24))
    window.widget.undo.click()
    window.settle()
    window.widget.new_object.click()
    assert window.widget.object_id.value() == 8  # 7 was used once


def test_dragging_and_other_layers_make_no_prompt(window) -> None:
    camera = getattr(window.viewer, "scene", window.viewer).camera
    before = camera.center
    window.drag((20, 24), (20, 34))
    assert len(window.prompts.data) == 0
    assert camera.center != before
    camera.center = before
    window.viewer.layers.selection.active = window.viewer.layers[0]
    assert not window.widget.tools.buttons[Tool.POINT].isChecked()
    window.click((20, 24))
    assert len(window.prompts.data) == 0
    window.widget.tools.buttons[Tool.POINT].click()
    assert window.viewer.layers.selection.active is window.prompts
    window.click((20, 24))
    assert len(window.prompts.data) == 1


def test_tool_button_follows_naparis_mode(window) -> None:
    assert window.widget.tools.buttons[Tool.POINT].isChecked()
    window.prompts.mode = "pan_zoom"
    assert not window.widget.tools.buttons[Tool.POINT].isChecked()
    window.widget.tools.buttons[Tool.POINT].click()
    assert str(window.prompts.mode) == "add"
    window.widget.tools.buttons[Tool.POINT].click()
    assert str(window.prompts.mode) == "pan_zoom"
    window.click((20, 24))
    assert len(window.prompts.data) == 0


def test_no_clicks_in_3d_and_again_afterwards(window, notices) -> None:
    window.viewer.dims.ndisplay = 3
    assert not window.widget.tools.buttons[Tool.POINT].isEnabled()
    assert str(window.prompts.mode) == "pan_zoom"
    window.prompts.add((2, 20, 24))
    window.settle()
    assert len(window.prompts.data) == 0
    assert "3-D" in notices[0]
    window.viewer.dims.ndisplay = 2
    assert window.widget.tools.buttons[Tool.POINT].isChecked()
    window.click((20, 24))
    assert len(window.prompts.data) == 1


def test_points_added_by_a_script_count(window, headless) -> None:
    from napari_sam2 import Point

    window.prompts.feature_defaults = {"object_id": 3, "positive": True}
    window.prompts.add([[1, 20, 22], [1, 24, 22], [3, 20, 26]])
    window.settle()
    headless.add_prompt(3, Point(1, (20, 22)), Point(1, (24, 22)))
    headless.add_prompt(3, Point(3, (20, 26)))
    assert np.array_equal(window.labels, headless.labels)


def test_edited_features_count(window, headless, as_point) -> None:
    window.click((20, 24))
    features = window.prompts.features.copy()
    features["object_id"] = [5]
    window.prompts.features = features
    window.settle()
    headless.add_prompt(5, as_point(window.prompts))
    assert np.array_equal(window.labels, headless.labels)


def test_point_outside_the_image_is_refused_in_a_sentence(window, notices) -> None:
    window.click((20, 24))
    before = window.labels.copy()
    window.prompts.add((2, 90, 10))
    window.settle()
    assert len(window.prompts.data) == 1
    assert np.array_equal(window.labels, before)
    (notice,) = notices
    assert "point at (90.0, 10.0) lies outside the plane of shape (40, 48)" in notice


def test_points_before_the_first_frame_and_without_an_object_are_refused(window, notices) -> None:
    window.prompts.add((-3, 20, 24))
    window.settle()
    window.prompts.feature_defaults = {"object_id": 0, "positive": True}
    window.prompts.add((1, 20, 24))
    window.settle()
    assert len(window.prompts.data) == 0
    assert "frame -3 is not a frame" in notices[0]
    assert "object_id 0" in notices[1]
    assert not window.labels.any()


def test_hand_painted_pixels_stay(window) -> None:
    window.layer.data[2, 0, :] = 9
    window.layer.data[2, 20, :] = 9
    window.click((20, 24))
    assert (window.labels[2, [0, 20]] == 9).all()
    assert (window.labels[2] == 1).any()
    window.widget.undo.click()
    window.settle()
    assert (window.labels[2] == 9).sum() == 2 * 48
    assert not (window.labels == 1).any()


def test_progress_is_shown_for_every_step(open_window, stack, gated, monkeypatch) -> None:
    monkeypatch.setattr("napari_sam2._napari.propagating._TELL_EVERY_S", 0.0)
    backend, made = gated
    window = open_window(stack, backend).start().go_to(2)
    window.click((20, 24))
    window.widget.propagate.click()
    assert window.phase is Phase.RUNNING
    assert window.widget.stop.isEnabled()
    assert not window.widget.propagate.isEnabled()
    seen = []
    for _ in range(4):
        window.wait(made[0].waits.is_set)
        window.wait(lambda: window.widget.progress_view.bar.value() == len(seen) + 1)
        seen.append(window.widget.progress_view.bar.text())
        made[0].let_through(1)
    window.settle()
    assert [text.split(":")[1].strip() for text in seen] == [f"{i} of 4" for i in (1, 2, 3, 4)]
    assert window.phase is Phase.READY
    assert not window.widget.stop.isEnabled()


@pytest.mark.parametrize("how", ["button", "escape"])
def test_stop_keeps_what_is_done_and_propagate_goes_on(
    open_window, stack, gated, net, how, as_point
) -> None:
    backend, made = gated
    window = open_window(stack, backend).start().go_to(2)
    window.click((20, 24))
    window.widget.propagate.click()
    window.wait(made[0].waits.is_set)
    made[0].let_through(1)
    window.wait(lambda: (window.labels[[1, 3]] > 0).any())
    window.wait(made[0].waits.is_set)
    if how == "button":
        window.widget.stop.click()
    else:
        window.press(Qt.Key.Key_Escape)
    made[0].let_through(1)
    window.settle()
    assert window.phase is Phase.READY
    assert window.widget.progress_view.text.text().startswith("Stopped; 2 steps are left")
    assert [frame for frame in range(5) if window.labels[frame].any()] == [1, 2, 3]
    assert np.array_equal(window.labels, made[0].labels)
    made[0].let_through()
    window.widget.propagate.click()
    window.settle()
    session = Session(stack, net, drops_islands=True)
    session.add_prompt(1, as_point(window.prompts))
    list(session.propagate())
    assert np.array_equal(window.labels, session.labels)


def test_click_interrupts_a_propagation_and_is_served_at_once(open_window, stack, gated) -> None:
    backend, made = gated
    window = open_window(stack, backend).start().go_to(2)
    window.click((20, 24))
    window.widget.propagate.click()
    window.wait(made[0].waits.is_set)
    window.widget.new_object.click()
    window.click((5, 40), settle=False)
    made[0].let_through(1)  # the frame that is being tracked; no more is let through
    window.settle()
    assert window.phase is Phase.READY
    assert "Propagate goes on" in window.widget.progress_view.text.text()
    assert (window.labels[2] == 2).any()
    assert np.array_equal(window.labels, made[0].labels)
    assert sum(window.labels[frame].any() for frame in range(5)) == 2
    assert window.widget.propagate.isEnabled()  # and it is not resumed by itself


def test_interrupted_frame_is_shown_with_all_its_objects(open_window, stack, gated) -> None:
    backend, made = gated
    window = open_window(stack, backend).start().go_to(2)
    window.click((20, 24))
    window.widget.new_object.click()
    window.click((5, 40))
    window.widget.propagate.click()
    window.wait(made[0].waits.is_set)
    window.widget.stop.click()
    made[0].let_through(1)  # the first of two objects of the frame
    window.settle()
    (frame,) = [f for f in range(5) if f != 2 and made[0].labels[f].any()]
    assert set(np.unique(made[0].labels[frame])) >= {1, 2}
    assert np.array_equal(window.labels, made[0].labels)


def test_escape_is_given_back_after_the_run(window, request) -> None:
    pressed = []
    window.viewer.bind_key("Escape", lambda _: pressed.append(1))
    request.addfinalizer(lambda: window.viewer.bind_key("Escape", None))
    window.click((20, 24))
    window.widget.propagate.click()
    window.settle()
    window.press(Qt.Key.Key_Escape)
    assert pressed == [1]
    assert "Escape" not in {str(key) for key in window.prompts.keymap}
