"""Tools and keys in a real window: boxes, lassos and scribbles are prompts; equal to the same prompts in a session."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_sam2 import Box, MaskPrompt, Scribble, Session
from napari_sam2._napari.drawing_prompts import polygon_mask
from napari_sam2._napari.drawings import Kind
from napari_sam2._napari.keys import Action, bind_actions
from napari_sam2._napari.tool import Tool

pytestmark = pytest.mark.gui

SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
LASSO = [(12, 16), (12, 30), (28, 30), (28, 16), (13, 15)]


@pytest.fixture
def window(open_window, stack):
    return open_window(stack).start().go_to(2)


@pytest.fixture
def headless(stack, net) -> Session:
    return Session(stack, net, drops_islands=True)


def drawing(window):
    (found,) = window.controller.binding._drawn._known
    return found


@pytest.mark.parametrize(
    ("key", "tool", "mode"),
    [
        (Qt.Key.Key_Q, Tool.POINT, "add"),
        (Qt.Key.Key_W, Tool.BOX, "add_rectangle"),
        (Qt.Key.Key_G, Tool.LASSO, "add_polygon_lasso"),
        (Qt.Key.Key_H, Tool.SCRIBBLE, "add_path"),
    ],
)
def test_key_takes_a_tool_and_puts_it_down(window, key, tool, mode) -> None:
    window.controller.take_tool(Tool.PAN)
    window.viewer.layers.selection.active = window.viewer.layers[0]  # the keys work there as well
    window.press(key)
    assert window.state.tool is tool
    assert str(window.viewer.layers.selection.active.mode) == mode
    pressed = [each for each, button in window.widget.tools.buttons.items() if button.isChecked()]
    assert pressed == [tool]
    window.press(key)
    assert window.state.tool is Tool.PAN
    assert str(window.viewer.layers.selection.active.mode) == "pan_zoom"


def test_every_button_shows_its_key(window) -> None:
    texts = {each: button.text() for each, button in window.widget.tools.buttons.items()}
    assert texts[Tool.BOX] == "Box  W"
    assert texts[Tool.PAN] == "Pan  Shift+Q"
    assert all(text.split()[-1] for text in texts.values())


def test_no_key_is_taken_from_napari(window) -> None:
    """Neither the viewer nor any of napari's layers has a use for our keys."""
    from napari import layers
    from napari.components import ViewerModel
    from napari.utils.key_bindings import coerce_keybinding
    from napari.utils.shortcuts import default_shortcuts

    theirs = {key for keys in default_shortcuts.values() for key in keys}
    for cls in (ViewerModel, *map(layers.__dict__.get, layers.__all__)):
        theirs |= {key for key in getattr(cls, "class_keymap", ()) if key is not ...}
    ours = {a for a in Action if coerce_keybinding(a.key) in theirs}
    assert ours <= {Action.UNDO, Action.REDO}  # bound on our own layers only
    assert len({action.key for action in Action}) == len(Action)


def test_keys_are_in_the_docs() -> None:
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "keys.md").read_text(encoding="utf-8")
    for action in Action:
        key = action.key.replace("Control", "Ctrl").replace("-", "+")
        assert f"| `{key}` |" in page, action


def test_box_is_a_prompt_at_once(window, headless) -> None:
    window.press(Qt.Key.Key_W)
    window.drag((12, 14), (28, 34))
    box = drawing(window)
    assert (box.kind, box.frame, box.object_id) == (Kind.BOX, 2, 1)
    assert np.allclose(box.path_yx, [(12, 14), (28, 34)], atol=0.6)
    headless.add_prompt(1, Box(2, *box.path_yx))
    assert headless.labels[2].any()
    assert np.array_equal(window.labels, headless.labels)
    assert window.shapes.features.to_dict("list") == {
        "object_id": [1],
        "positive": [True],
        "frame": [2],
    }


def test_scribbles_of_both_signs(window, headless) -> None:
    window.press(Qt.Key.Key_H)
    window.drag((20, 18), (20, 24), (22, 30))
    window.press(Qt.Key.Key_K)
    assert "Take away" in window.widget.positive.text()
    window.drag((5, 5), (8, 30), (9, 40))
    first, second = sorted(
        window.controller.binding._drawn._known, key=lambda each: not each.positive
    )
    assert (first.positive, second.positive) == (True, False)
    headless.add_prompt(1, Scribble(2, first.path_yx))
    headless.add_prompt(1, Scribble(2, second.path_yx, positive=False))
    assert np.array_equal(window.labels, headless.labels)


def test_lasso_is_a_mask_that_the_decoder_improves(window, headless) -> None:
    window.press(Qt.Key.Key_G)
    window.drag(*LASSO)
    lasso = drawing(window)
    assert lasso.kind is Kind.LASSO
    mask = polygon_mask(lasso.path_yx, (40, 48))
    assert mask.sum() == pytest.approx(16 * 14, rel=0.15)
    headless.add_prompt(1, MaskPrompt(2, mask, refine=True))
    assert np.array_equal(window.labels, headless.labels)


def test_negative_lasso_takes_its_area_away(window) -> None:
    window.click((20, 24))
    before = window.labels[2] == 1
    window.press(Qt.Key.Key_G)
    window.drag(*LASSO, modifier=SHIFT)
    lasso = drawing(window)
    assert not lasso.positive
    area = polygon_mask(lasso.path_yx, (40, 48))
    assert (before & area).any()
    assert np.array_equal(window.labels[2] == 1, before & ~area)
    window.widget.undo.click()
    window.settle()
    assert np.array_equal(window.labels[2] == 1, before)
    assert (window.shapes.nshapes, len(window.prompts.data)) == (0, 1)
    window.widget.redo.click()
    window.settle()
    assert np.array_equal(window.labels[2] == 1, before & ~area)
    assert drawing(window) == lasso


def test_deleted_row_takes_the_prompt_back_and_undo_brings_it_again(window) -> None:
    window.press(Qt.Key.Key_W)
    window.drag((12, 14), (28, 34))
    box, labels = drawing(window), window.labels.copy()
    window.shapes.selected_data = {0}
    window.shapes.remove_selected()
    window.settle()
    assert not window.labels.any()
    window.press(Qt.Key.Key_Z, CONTROL)
    window.settle()
    assert drawing(window) == box
    assert window.shapes.nshapes == 1
    assert np.array_equal(window.labels, labels)


def test_moved_box_is_another_prompt(window, headless) -> None:
    window.press(Qt.Key.Key_W)
    window.drag((12, 14), (28, 34))
    window.shapes.data = [window.shapes.data[0] + (0, 2, 3)]
    window.settle()
    box = drawing(window)
    assert np.allclose(box.path_yx, [(14, 17), (30, 37)], atol=0.6)
    headless.add_prompt(1, Box(2, *box.path_yx))
    assert (window.labels[2] == 1).any()
    assert headless.prompts(1)[2][0] == Box(2, *box.path_yx)


def test_drawings_that_are_no_prompts_are_refused_in_a_sentence(window, notices) -> None:
    window.press(Qt.Key.Key_W)
    window.click((20, 24))  # no drag
    assert window.shapes.nshapes == 0
    assert "too small" in notices[0]
    corners = np.array([(2, 4, 4), (2, 4, 9), (2, 9, 9), (2, 9, 4)])
    window.shapes.add(corners, shape_type="ellipse")
    window.settle()
    assert "ellipse is no prompt" in notices[1]
    corners[:, 0] = (1, 1, 3, 3)
    window.shapes.add(corners, shape_type="polygon")
    window.settle()
    assert "goes through the frames 1 to 3" in notices[2]
    assert window.shapes.nshapes == 0
    assert not window.labels.any()
    assert len(window.shapes.features) == 0


@pytest.mark.parametrize("key", [Qt.Key.Key_H, Qt.Key.Key_G])
def test_drawing_that_is_given_up_leaves_nothing(window, caught, key) -> None:
    window.press(key)
    window.click((20, 24))  # begins a shape that follows the mouse
    window.press(Qt.Key.Key_Q)
    window.settle()
    assert (window.shapes.nshapes, len(window.shapes.features)) == (0, 0)
    assert not window.labels.any()
    window.press(key)
    window.click((20, 24))
    window.press(Qt.Key.Key_Escape)  # napari's own way to give up
    window.settle()
    assert (window.shapes.nshapes, len(window.shapes.features)) == (0, 0)
    window.drag(*LASSO)
    assert drawing(window).object_id == 1
    assert (window.labels[2] == 1).any()


def test_flip_turns_clicks_around(window) -> None:
    window.click((20, 24))
    window.press(Qt.Key.Key_K)
    window.click((10, 10))
    window.click((30, 40), SHIFT)
    assert window.prompts.features["positive"].tolist() == [True, False, False]
    window.press(Qt.Key.Key_K)
    window.click((22, 24))
    assert window.prompts.features["positive"].tolist()[-1]


def test_pick_selects_the_object_under_the_mouse_and_gives_the_tool_back(window) -> None:
    window.layer.data[2, 5:10, 35:45] = 3
    window.layer.refresh()
    window.press(Qt.Key.Key_W)
    window.press(Qt.Key.Key_U)
    assert window.state.tool is Tool.PICK
    window.click((7, 40))
    assert (window.state.object_id, window.state.tool) == (3, Tool.BOX)
    window.press(Qt.Key.Key_U)
    window.click((35, 5))  # the background
    assert (window.state.object_id, window.state.tool) == (3, Tool.BOX)
    assert window.layer.selected_label == 3
    assert window.shapes.nshapes == 0


def test_next_object_by_key(window) -> None:
    window.click((20, 24))
    color = window.state.color
    window.press(Qt.Key.Key_N)
    assert window.state.object_id == 2
    assert window.state.color != color
    window.click((5, 40))
    assert set(np.unique(window.labels[2])) == {0, 1, 2}


def test_next_mask_steps_through_three_and_around(window, headless, as_point) -> None:
    window.click((20, 24))
    headless.add_prompt(1, as_point(window.prompts))
    candidates = sorted(headless.candidates(1, 2), key=lambda each: each.mask.sum())
    start = next(n for n, each in enumerate(candidates) if each.chosen)
    for step in range(1, 4):
        window.press(Qt.Key.Key_J)
        window.settle()
        expected = candidates[(start + step) % 3]
        assert np.array_equal(window.labels[2] == 1, expected.mask)
        assert f"Mask {(start + step) % 3 + 1} of 3" in window.widget.progress_view.text.text()


def test_next_mask_without_a_click_says_why(window, notices) -> None:
    window.click((20, 24))
    window.go_to(4)
    window.press(Qt.Key.Key_J)
    window.settle()
    assert "object 1 has no mask on frame 4" in notices[0]


def test_keys_of_two_owners_are_taken_back_in_any_order(window) -> None:
    """The widget opened twice, and a key that somebody else has bound before and after."""
    pressed: list[str] = []
    viewer = window.viewer
    viewer.bind_key("F7", lambda _: pressed.append("before"))
    undo = []
    for name in ("first", "second"):
        actions = {Action.POINT: lambda name=name: pressed.append(name)}
        undo.append(bind_actions(viewer, [], actions))
    viewer.layers.selection.active = viewer.layers[0]
    window.press(Qt.Key.Key_Q)
    undo[0][0]()  # the older one goes first
    window.press(Qt.Key.Key_Q)
    undo[1][0]()
    assert pressed == ["second", "second"]
    window.press(Qt.Key.Key_Q)
    assert window.state.tool is Tool.POINT  # the widget's own key is back
    viewer.bind_key("F7", None)


def test_keys_that_the_user_prefers(open_window, stack) -> None:
    window = open_window(stack)
    window.widget.set_keys({Action.BOX: "F8", Action.FLIP: "Shift-F", Action.LASSO: "no key"})
    assert window.widget.tools.buttons[Tool.BOX].text() == "Box  F8"
    assert window.widget.tools.buttons[Tool.LASSO].text() == "Lasso  G"
    window.start()
    assert window.widget.positive.text() == "Add  Shift+F"
    window.press(Qt.Key.Key_F8)
    assert window.state.tool is Tool.BOX
    window.press(Qt.Key.Key_G)
    assert window.state.tool is Tool.LASSO
    window.press(Qt.Key.Key_W)
    assert window.state.tool is Tool.LASSO
