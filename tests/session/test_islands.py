"""Masks without islands, through a session."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_sam2 import Box, Point
from napari_sam2.session import Session
from napari_sam2.session.islands import tidy

CLICK = Point(4, (30, 25))
OPTIONS = {"window_side": 64, "drops_islands": True}


def touches(mask: np.ndarray, other: np.ndarray, pixels: int = 6) -> bool:
    """Whether every part of a mask comes near another one; a cell of the logits has some pixels."""
    near = ndimage.binary_dilation(other, iterations=pixels)
    parts, count = ndimage.label(mask, np.ones((3, 3)))
    return all(near[parts == part].any() for part in range(1, count + 1))


@pytest.fixture
def sessions(stack, model):
    return Session(stack, model, window_side=64), Session(stack, model, **OPTIONS)


def test_parts_hang_on_to_the_click_and_then_to_the_frame_before(sessions):
    plain, session = sessions
    for each in sessions:
        each.add_prompt(1, CLICK)
        list(each.propagate())
    place = np.zeros(session.plane_shape, dtype=bool)
    place[30, 25] = True
    kept, all_of_it = session.mask(1, 4), plain.mask(1, 4)
    assert not (kept & ~ndimage.binary_dilation(all_of_it)).any()
    if kept[24:37, 19:32].any():
        assert touches(kept, place)
    for frame in range(5, session.n_frames):
        before = session.mask(1, frame - 1)
        if (session.mask(1, frame) & before).any():
            assert touches(session.mask(1, frame), before)


def test_ghost_choice_and_a_saved_session_do_the_same(stack, model, tmp_path):
    session = Session(stack, model, **OPTIONS)
    ghost = session.preview(CLICK, encode=True)
    session.add_prompt(1, CLICK)
    assert np.array_equal(session.mask(1, 4), ghost)
    session.save(tmp_path / "saved")
    loaded = Session.load(tmp_path / "saved", stack, model)
    assert loaded.drops_islands
    session.start_journal(tmp_path / "journal")
    session.stop_journal()
    assert Session.recover(tmp_path / "journal", stack, model).drops_islands
    for each in (session, loaded):
        each.choose(1, 4, 2)
        each.add_prompt(1, Point(4, (44, 40)))
        list(each.propagate(frames=[4, 5]))
    assert np.array_equal(session.labels, loaded.labels)


def test_the_inside_of_a_box_is_no_island(stack, model):
    plain, session = Session(stack, model), Session(stack, model, drops_islands=True)
    box = Box(4, (1, 1), (62, 78))
    for each in (plain, session):
        each.add_prompt(1, box)
    assert np.array_equal(plain.mask(1, 4), session.mask(1, 4))


def test_only_signs_change_and_an_island_in_a_filled_hole_stays():
    inside = np.zeros((40, 40), dtype=bool)
    inside[4:36, 4:36] = True
    inside[10:15, 10:15] = False
    inside[12, 12] = True  # in the hole
    inside[0, 0] = True  # far away
    size = torch.rand(2, 40, 40, generator=torch.Generator().manual_seed(0)) + 0.1
    logits = torch.where(torch.from_numpy(inside), size, -size)
    seed = np.zeros_like(inside)
    seed[30, 30] = True
    expected = np.zeros_like(inside)
    expected[4:36, 4:36] = True
    tidied = tidy(logits, [seed, np.zeros_like(seed)])
    assert torch.equal(tidied.abs(), logits.abs())
    assert np.array_equal((tidied[0] > 0).numpy(), expected)
    assert tidied[1, 0, 0] > 0, "without a seed nothing is known of any part"
