"""What is painted with napari's own brush becomes mask prompts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from napari_sam2 import MaskPrompt
from napari_sam2._napari.strokes import masks_by_hand


def test_nothing_painted_is_no_mask() -> None:
    shown = np.array([[0, 1], [2, 2]])
    assert masks_by_hand(shown, shown.copy()) == {}


def test_painted_object_is_taken_whole_and_its_neighbour_is_not() -> None:
    painted = np.array([[0, 1, 1, 2]])
    shown = np.array([[1, 1, 1, 1]])  # 1 was painted over the background and over 2
    masks = masks_by_hand(shown, painted)
    assert list(masks) == [1]
    assert masks[1].tolist() == [[True, True, True, True]]


def test_rubbed_out_object_is_what_is_left_of_it() -> None:
    painted = np.array([[1, 1, 2, 2]])
    shown = np.array([[1, 0, 2, 2]])
    masks = masks_by_hand(shown, painted)
    assert {k: v.tolist() for k, v in masks.items()} == {1: [[True, False, False, False]]}


@pytest.fixture
def window(open_window, stack):
    return open_window(stack).start().go_to(2)


def brush(window, *path, size=5, mode="paint") -> None:
    window.viewer.layers.selection.active = window.layer
    window.layer.brush_size = size
    window.layer.mode = mode
    window.drag(*path)


@pytest.mark.gui
def test_stroke_is_a_mask_prompt_and_can_be_undone(window) -> None:
    brush(window, (10, 10), (10, 20))
    session_labels = window.labels.copy()
    assert (session_labels[2] == 1).sum() > 40
    window.controller.rename(1, "by hand")  # the session knows it
    window.settle()
    brush(window, (10, 12), (10, 14), mode="erase")
    rubbed = window.labels.copy()
    assert 0 < (rubbed[2] == 1).sum() < (session_labels[2] == 1).sum()
    window.widget.undo.click()
    window.settle()
    assert np.array_equal(window.labels, session_labels)
    window.widget.undo.click()
    window.widget.undo.click()
    window.settle()
    assert not window.labels.any()


def free_stroke(window) -> tuple[tuple[int, int], tuple[int, int]]:
    """Along the place that is farthest from all objects."""
    free = distance_transform_edt(np.pad(window.labels[2] == 0, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(free.argmax(), free.shape)
    assert free[y, x] > 0
    return (int(y), int(x)), (int(y), int(x) + 1)


@pytest.mark.gui
def test_stroke_corrects_what_a_click_gave(window, net, stack, as_point) -> None:
    from napari_sam2 import Session

    window.click((20, 24))
    point = as_point(window.prompts)
    brush(window, *free_stroke(window))
    mask = window.labels[2] == 1
    session = Session(stack, net, drops_islands=True)
    session.add_prompt(1, point)
    session.add_prompt(1, MaskPrompt(2, mask))
    assert np.array_equal(window.labels, session.labels)
    assert len(window.prompts.data) == 0  # a mask takes the place of the clicks
    assert window.widget.propagate.isEnabled()


@pytest.mark.gui
def test_object_that_is_rubbed_out_of_a_tracked_frame_ends_there(window) -> None:
    window.go_to(0)
    window.click((20, 20))
    window.widget.propagate.click()
    window.settle()
    tracked = window.labels.copy()
    assert all((tracked[frame] == 1).any() for frame in range(5))
    window.go_to(2)
    brush(window, (0, 0), (39, 47), size=120, mode="erase")
    window.settle()
    assert [frame for frame in range(5) if window.labels[frame].any()] == [0]
    assert not window.layer.data[1:].any(), "the layer shows what the session has"
    assert "not there: its mask is gone from 3 more frames too" in window.controller.state.text
    window.widget.undo.click()
    window.settle()
    assert np.array_equal(window.labels, tracked)
    assert np.array_equal(np.asarray(window.layer.data), tracked)


@pytest.mark.gui
def test_strokes_may_be_left_as_they_are(window) -> None:
    window.widget.strokes.click()
    brush(window, (10, 10), (10, 20))
    assert window.controller.state.undo == ""
    painted = window.labels.copy()
    assert painted.any()
    window.controller.take_strokes()
    window.settle()
    assert window.controller.state.undo
    assert np.array_equal(window.labels, painted)


@pytest.mark.gui
def test_stroke_on_a_locked_object_is_refused_and_rubbed_out(window, notices) -> None:
    window.click((20, 24))
    window.controller.lock(1, True)
    window.settle()
    before = window.labels.copy()
    window.controller.select(2)
    brush(window, (20, 20), (20, 28))
    assert (before[2] == 1).any()
    locked = before[2] == 1
    assert (window.labels[2][locked] == 1).all()  # its pixels are never given to others
    window.controller.select(1)
    before = window.labels.copy()
    brush(window, *free_stroke(window))
    assert "locked" in notices[-1]
    assert np.array_equal(window.labels, before)


@pytest.mark.gui
def test_rubbing_all_of_an_object_out_is_no_error(window, notices) -> None:
    brush(window, (10, 10), (10, 14), size=3)
    brush(window, (10, 6), (10, 18), size=15, mode="erase")
    assert not window.labels[2].any()
    assert notices == []
