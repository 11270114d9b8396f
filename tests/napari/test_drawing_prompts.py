"""What drawings mean to a session; without a window."""

from __future__ import annotations

from unittest.mock import create_autospec

import numpy as np
import pytest

from napari_sam2 import Box, MaskPrompt, Point, Scribble, Session
from napari_sam2._napari.drawing_prompts import DrawnPrompts, polygon_mask
from napari_sam2._napari.drawings import Drawing, Kind
from napari_sam2.errors import PromptError

SQUARE = ((0.5, 0.5), (0.5, 3.5), (2.5, 3.5), (2.5, 0.5))
BOX = Drawing(1, Kind.BOX, 0, ((0.5, 0.5), (2.5, 3.5)))


@pytest.fixture
def session():
    session = create_autospec(Session, instance=True)
    session.plane_shape = (4, 5)
    session.object_ids = (1,)
    session.mask.return_value = np.ones((4, 5), dtype=bool)
    return session


def test_polygon_holds_the_pixel_centres_inside() -> None:
    mask = polygon_mask(SQUARE, (4, 5))
    assert mask.astype(int).tolist() == [
        [0, 0, 0, 0, 0],
        [0, 1, 1, 1, 0],
        [0, 1, 1, 1, 0],
        [0, 0, 0, 0, 0],
    ]


def test_polygon_agrees_with_another_way_to_fill_it() -> None:
    from skimage.draw import polygon2mask

    rng = np.random.default_rng(0)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 40))
    path = np.stack([25 + rng.uniform(5, 30, 40) * f(angles) for f in (np.sin, np.cos)], axis=-1)
    path += 0.123  # no vertex on a pixel's centre
    assert np.array_equal(polygon_mask(path, (50, 52)), polygon2mask((50, 52), path))


def test_polygon_may_lie_partly_or_wholly_outside() -> None:
    outside = [(-3.0, -3.0), (-3.0, 2.2), (1.2, 2.2), (1.2, -3.0)]
    assert polygon_mask(outside, (4, 5)).sum() == 2 * 3
    assert not polygon_mask([(9, 9), (9, 12), (12, 12)], (4, 5)).any()


def test_kinds_become_prompts(session) -> None:
    drawn = DrawnPrompts()
    assert drawn.prompt(session, BOX) == Box(0, (0.5, 0.5), (2.5, 3.5))
    stroke = Drawing(1, Kind.SCRIBBLE, 0, ((1, 1), (2, 2)), positive=False)
    assert drawn.prompt(session, stroke) == Scribble(0, ((1, 1), (2, 2)), positive=False)
    lasso = drawn.prompt(session, Drawing(1, Kind.LASSO, 0, SQUARE))
    assert isinstance(lasso, MaskPrompt)
    assert lasso.refine
    assert np.array_equal(lasso.mask, polygon_mask(SQUARE, (4, 5)))


@pytest.mark.parametrize("kind", [Kind.BOX, Kind.LASSO])
def test_negative_area_is_cut_out_exactly(session, kind) -> None:
    path = BOX.path_yx if kind is Kind.BOX else SQUARE
    prompt = DrawnPrompts().prompt(session, Drawing(1, kind, 0, path, positive=False))
    assert not prompt.refine
    assert np.array_equal(prompt.mask, ~polygon_mask(SQUARE, (4, 5)))


def test_nothing_to_cut_and_nothing_enclosed_are_errors(session) -> None:
    session.mask.return_value = np.zeros((4, 5), dtype=bool)
    with pytest.raises(PromptError, match="object 1 has nothing inside this box"):
        DrawnPrompts().prompt(session, Drawing(1, Kind.BOX, 0, BOX.path_yx, positive=False))
    with pytest.raises(PromptError, match="object 7 has nothing inside"):
        DrawnPrompts().prompt(session, Drawing(7, Kind.BOX, 0, BOX.path_yx, positive=False))
    with pytest.raises(PromptError, match="encloses no pixel"):
        DrawnPrompts().prompt(session, Drawing(1, Kind.LASSO, 0, ((9, 9), (9, 12), (12, 12))))


def test_prompts_are_known_again_as_what_was_drawn(session) -> None:
    drawn = DrawnPrompts()
    lasso = Drawing(1, Kind.LASSO, 0, SQUARE)
    mask = drawn.prompt(session, lasso)
    by_hand = MaskPrompt(1, np.ones((4, 5), dtype=bool))
    box = drawn.prompt(session, BOX)
    session.prompts.return_value = {0: (box, mask, Point(0, (1, 1))), 1: (by_hand,)}
    assert drawn.held(session) == {BOX: box, lasso: mask}
