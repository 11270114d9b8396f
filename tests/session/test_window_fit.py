"""A window that is fitted to what the first prompt of an object found."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sam2 import Box, MaskPrompt, Point, Session
from napari_sam2.errors import SessionError
from napari_sam2.session.views import fitting_extent

CLICK = Point(4, (34, 33))


@pytest.mark.parametrize(
    ("extent", "area", "diameters", "expected"),
    [
        (128, 314, 3.0, 60),  # a disc of 20 pixels across
        (64, 314, 3.0, None),  # nearly the same already
        (128, 20, 3.0, 32),  # never smaller
        (128, 314, 0.0, None),  # not asked for
        (128, 0, 3.0, None),  # nothing found
        (None, 314, 3.0, None),  # whole planes stay whole
    ],
)
def test_window_measures_so_many_diameters(extent, area, diameters, expected) -> None:
    assert fitting_extent(extent, area, diameters) == expected


def side_of(session: Session, object_id: int, frame: int) -> int:
    y0, _, y1, _ = session._objects[object_id].records[frame].view.window
    return y1 - y0


@pytest.fixture
def fitted(stack, model) -> Session:
    return Session(stack, model, window_side=60, window_diameters=0.7, stop_rule=None)


def test_first_click_decides_and_the_window_stays(fitted, stack, model) -> None:
    plain = Session(stack, model, window_side=60, stop_rule=None)
    area = plain.add_prompt(1, CLICK).scores.area
    assert side_of(plain, 1, 4) == 60
    expected = fitting_extent(60, area, 0.7)
    fitted.add_prompt(1, CLICK)
    assert expected is not None
    assert side_of(fitted, 1, 4) == expected
    fitted.add_prompt(1, Point(4, (36, 35)))
    for _ in fitted.propagate():
        pass
    assert {side_of(fitted, 1, f) for f in range(10)} == {expected}
    by_hand = Session(stack, model, window_side=expected, stop_rule=None)
    by_hand.add_prompt(1, CLICK)
    by_hand.add_prompt(1, Point(4, (36, 35)))
    assert np.array_equal(fitted.mask(1, 4), by_hand.mask(1, 4))


def test_ghost_is_what_the_click_gives(fitted) -> None:
    ghost = fitted.preview(CLICK, encode=True)
    fitted.add_prompt(1, CLICK)
    assert np.array_equal(ghost, fitted.mask(1, 4))


def test_mask_is_taken_as_it_is_and_a_box_is_fitted(fitted, stack) -> None:
    mask = np.zeros(stack.shape[1:], dtype=bool)
    mask[30:34, 30:34] = True
    fitted.add_prompt(1, MaskPrompt(4, mask))
    assert side_of(fitted, 1, 4) == 60
    fitted.add_prompt(2, Box(4, (20, 20), (50, 50)))
    assert side_of(fitted, 2, 4) <= 60


def test_undo_and_redo_bring_the_same_mask(fitted) -> None:
    fitted.add_prompt(1, CLICK)
    mask = fitted.mask(1, 4)
    fitted.undo()
    fitted.redo()
    assert np.array_equal(fitted.mask(1, 4), mask)
    assert side_of(fitted, 1, 4) < 60


@pytest.mark.parametrize("how", ["saved", "journal"])
def test_choice_is_kept_with_the_session(fitted, stack, model, tmp_path, how) -> None:
    fitted.add_prompt(1, CLICK)
    folder = tmp_path / "session"
    if how == "saved":
        fitted.save(folder)
        again = Session.load(folder, stack, model)
    else:
        fitted.start_journal(folder)
        fitted.stop_journal()
        again = Session.recover(folder, stack, model)
        again.stop_journal()
    assert again.window_diameters == 0.7
    for session in (fitted, again):
        session.add_prompt(2, Point(4, (30, 60)))
    assert side_of(again, 2, 4) == side_of(fitted, 2, 4)


def test_size_that_is_none_is_refused(stack, model) -> None:
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(SessionError, match="window_diameters"):
            Session(stack, model, window_side=60, window_diameters=wrong)
