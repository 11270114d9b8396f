"""`napari_sam2.open`: a script and the window work on the same objects."""

from __future__ import annotations

import numpy as np
import pytest

import napari_sam2 as sam2
from napari_sam2._napari.state import Phase
from napari_sam2.errors import PromptError, SessionError

pytestmark = pytest.mark.gui

DISC = sam2.Point(2, (20, 24))


@pytest.fixture
def window(open_window, stack):
    window = open_window(stack, name="cells")
    window.widget.follows.click()
    return window


def test_script_and_window_share_objects_and_history(window) -> None:
    session = sam2.open(window.viewer, "cells", window_side=None)
    session.add_prompt(1, DISC)
    np.testing.assert_array_equal(window.labels[2] == 1, session.mask(1, 2))
    assert window.labels.any()
    assert [tuple(row) for row in window.prompts.data] == [(2, 20, 24)]
    window.go_to(1).click((20, 10))
    assert session.object_ids == (1,)
    assert set(session.prompts(1)) == {1, 2}
    assert session.undo()
    assert set(session.prompts(1)) == {2}
    assert len(window.prompts.data) == 1
    window.widget.undo.click()
    window.settle()
    assert session.object_ids == ()
    assert not window.labels.any()


def test_masks_of_a_propagation_are_shown_as_they_come(window) -> None:
    session = sam2.open(window.viewer, window.viewer.layers["cells"])
    session.add_prompt(1, DISC)
    for update in session.propagate(direction="forward"):
        np.testing.assert_array_equal(window.labels[update.frame], session.labels[update.frame])
        assert update.frame > 2
    assert session.scores(1).frame.tolist() == [2, 3, 4]
    window.settle()
    assert window.widget.undo.toolTip() == "Take back: propagate."


def test_frames_that_go_with_a_denied_one_go_in_the_window_too(window) -> None:
    session = sam2.open(window.viewer, "cells")
    session.add_prompt(1, sam2.Point(0, (20, 20)))
    list(session.propagate())
    assert all(window.labels[frame].any() for frame in range(5))
    update = session.add_prompt(1, sam2.MaskPrompt(3, np.zeros((40, 48), bool)))
    gone = {other.frame for other in update.others}
    assert 4 in gone
    window.settle()
    for frame in {3, *gone}:
        assert not window.layer.data[frame].any()
    for frame in set(range(5)) - gone - {3}:
        assert window.layer.data[frame].any()


def test_propagation_that_is_left_early_keeps_what_is_done(window) -> None:
    session = sam2.open(window.viewer, "cells")
    session.add_prompt(1, DISC)
    for _ in session.propagate(direction="forward"):
        break
    assert session.scores(1).frame.tolist() == [2, 3]
    assert session.pending(1) == [0, 1, 4]


def test_error_is_raised_in_the_script_and_the_session_goes_on(window, notices) -> None:
    session = sam2.open(window.viewer, "cells")
    with pytest.raises(PromptError, match="frame 99"):
        session.add_prompt(1, sam2.Point(99, (20, 24)))
    with pytest.raises(AttributeError, match="no 'colour'"):
        _ = session.colour
    session.add_prompt(1, DISC)
    assert session.n_frames == 5
    assert session.window_side is None
    assert "add_prompt" in dir(session)
    assert notices == []


def test_layer_that_is_open_is_not_opened_again(window) -> None:
    first = sam2.open(window.viewer, "cells")
    first.add_prompt(1, DISC)
    assert sam2.open(window.viewer, "cells").object_ids == (1,)
    assert first.labels_layer is window.layer
    assert first.prompts_layer is window.prompts


def test_layer_that_is_no_image_is_refused(window) -> None:
    window.viewer.add_points(np.zeros((1, 3)), name="dots")
    for name in ("dots", "nothing"):
        with pytest.raises(SessionError, match=rf"'{name}' is no image .* it has \['cells'\]"):
            sam2.open(window.viewer, name)
    with pytest.raises(SessionError, match=r"axis 2 .* choose one of \[0\]"):
        sam2.open(window.viewer, "cells", axis=2)


def test_finished_session_says_so(window) -> None:
    session = sam2.open(window.viewer, "cells")
    window.widget.start.click()
    assert window.phase is Phase.IDLE
    with pytest.raises(SessionError, match="was finished"):
        session.add_prompt(1, DISC)


def test_plugin_is_opened_where_it_is_not_yet(shared_viewer, qtbot, stack) -> None:
    shared_viewer.add_image(stack, name="cells")
    session = sam2.open(shared_viewer, "cells")
    session.add_prompt(1, DISC)
    truth = np.hypot(*(np.mgrid[:40, :48] - np.array([20, 24])[:, None, None])) < 8
    assert (session.mask(1, 2) & truth).sum() > 0.5 * truth.sum()
    worker = session._controller.worker
    shared_viewer.window.remove_dock_widget("all")
    shared_viewer.layers.clear()
    assert worker.wait(30)
