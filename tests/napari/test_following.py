"""Propagation that follows a prompt by itself, and what interrupts it; a real window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_sam2 import Point, Session
from napari_sam2._napari.following import Following
from napari_sam2._napari.messages import AddPoints, Propagate, Recall, Undo
from napari_sam2._napari.state import Phase
from napari_sam2._napari.wishes import Lock, NextMask, Rename

CONTROL = Qt.KeyboardModifier.ControlModifier
POINT = AddPoints(1, (Point(0, (1, 1)),))


@pytest.mark.parametrize(
    ("request_", "is_running", "wanted"),
    [
        (POINT, False, True),
        (NextMask(1, 0), False, True),
        (Rename(1, "a"), False, False),
        (Undo(), False, False),
        (Propagate(), True, False),
        (Lock(1), True, True),  # it interrupts, so what was interrupted goes on
        (Recall(), True, True),
    ],
)
def test_what_is_followed(request_, is_running, wanted) -> None:
    following = Following()
    following.see(request_, is_running)
    assert following.is_due(pending=True, is_waiting=False) is wanted


def test_due_only_when_there_is_something_and_nothing_else() -> None:
    following = Following()
    following.see(POINT, is_running=False)
    assert not following.is_due(pending=False, is_waiting=False)
    assert not following.is_due(pending=True, is_waiting=True)
    following.stop()
    assert not following.is_due(pending=True, is_waiting=False)
    following.see(POINT, is_running=False)
    following.is_on = False
    assert not following.is_due(pending=True, is_waiting=False)


@pytest.fixture
def window(open_window, stack):
    return open_window(stack).start(follows=True).go_to(2)


@pytest.mark.gui
def test_one_click_is_the_object_on_every_frame(window, stack, net, as_point) -> None:
    window.click((20, 24))
    session = Session(stack, net, drops_islands=True)
    session.add_prompt(1, as_point(window.prompts))
    list(session.propagate())
    assert session.labels.any(axis=(1, 2)).all()
    assert np.array_equal(window.labels, session.labels)
    assert window.widget.progress_view.text.text() == "All frames are done."
    assert window.phase is Phase.READY


@pytest.mark.gui
def test_undo_takes_back_the_click_and_what_followed(window) -> None:
    window.click((20, 24))
    first = window.labels.copy()
    window.click((10, 10), Qt.KeyboardModifier.ShiftModifier)
    second = window.labels.copy()
    for expected, n_points, modifier in [
        (first, 1, CONTROL),
        (np.zeros_like(first), 0, CONTROL),
        (first, 1, CONTROL | Qt.KeyboardModifier.ShiftModifier),
        (second, 2, CONTROL | Qt.KeyboardModifier.ShiftModifier),
    ]:
        window.press(Qt.Key.Key_Z, modifier)
        window.settle()
        assert np.array_equal(window.labels, expected)
        assert len(window.prompts.data) == n_points
        assert window.phase is Phase.READY  # nothing follows an undo


@pytest.mark.gui
def test_switch_turns_it_off_and_on(window) -> None:
    window.widget.follows.click()
    window.click((20, 24))
    assert not window.labels[[0, 1, 3, 4]].any()
    assert window.widget.propagate.isEnabled()
    window.widget.follows.click()  # what is left to do is done now
    window.settle()
    assert window.labels.any(axis=(1, 2)).all()


@pytest.mark.gui
def test_click_is_answered_first_and_the_propagation_goes_on(
    open_window, stack, gated, net, as_point
) -> None:
    backend, made = gated
    window = open_window(stack, backend).start(follows=True).go_to(2)
    window.click((20, 24), settle=False)
    window.wait(lambda: bool(made) and made[0].waits.is_set())
    assert window.phase is Phase.RUNNING
    window.press(Qt.Key.Key_N)
    window.click((5, 40), settle=False)
    made[0].let_through(1)  # the frame that is being tracked
    window.wait(lambda: bool((window.labels[2] == 2).any()))  # answered, while the gate is shut
    window.wait(made[0].waits.is_set)
    assert window.phase is Phase.RUNNING
    assert len({frame for frame in range(5) if window.labels[frame].any()}) == 2
    made[0].let_through()
    window.settle()
    assert np.array_equal(window.labels, made[0].labels)
    for object_id in (1, 2):
        assert made[0].pending(object_id) == []
        assert (window.labels == object_id).any(axis=(1, 2)).sum() > 1


@pytest.mark.gui
def test_escape_stops_keeps_what_is_done_and_nothing_follows(open_window, stack, gated) -> None:
    backend, made = gated
    window = open_window(stack, backend).start(follows=True).go_to(2)
    window.click((20, 24), settle=False)
    window.wait(lambda: bool(made) and made[0].waits.is_set())
    window.press(Qt.Key.Key_Escape)
    made[0].let_through(1)
    window.settle()
    assert window.phase is Phase.READY
    assert window.widget.progress_view.text.text().startswith("Stopped")
    assert sum(window.labels[frame].any() for frame in range(5)) == 2
    window.qtbot.wait(100)
    assert window.phase is Phase.READY
    made[0].let_through()
    window.click((22, 24))  # the next prompt goes on
    assert window.labels.any(axis=(1, 2)).all()


@pytest.mark.gui
def test_single_plane_is_done_with_the_click(open_window, stack) -> None:
    window = open_window(stack[2]).start(follows=True)
    window.click((20, 24))
    assert window.labels.any()
    assert window.phase is Phase.READY
    assert not window.widget.propagate.isEnabled()
