"""Parts of a mask that hang on to nothing, and holes."""

import numpy as np
import pytest

from napari_sam2.engine.islands import find_islands, find_small_holes
from napari_sam2.engine.transforms import View

INSIDE = np.array(
    [
        [1, 1, 0, 0, 0, 1],
        [1, 0, 0, 0, 0, 1],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 1],
    ],
    dtype=bool,
)


def seed(*places):
    cells = np.zeros_like(INSIDE)
    for place in places:
        cells[place] = True
    return cells


@pytest.mark.parametrize(
    ("places", "kept"),
    [
        ([(0, 0)], [(0, 0), (0, 1), (1, 0)]),
        ([(3, 2)], [(2, 3), (3, 2)]),  # a corner connects
        ([(4, 5), (2, 3), (1, 4)], [(4, 5), (2, 3), (3, 2)]),
    ],
)
def test_parts_without_a_seed_are_islands(places, kept):
    left = INSIDE & ~find_islands(INSIDE, seed(*places))
    assert sorted(map(tuple, np.argwhere(left).tolist())) == sorted(kept)


@pytest.mark.parametrize("places", [[], [(4, 0)]])
def test_where_no_part_has_a_seed_there_are_none(places):
    assert not find_islands(INSIDE, seed(*places)).any()


@pytest.fixture
def pierced():
    """A square of 32 x 32 with a small hole, a large one, one at the rim, and a bay; cells (row, column)."""
    inside = np.zeros((40, 40), dtype=bool)
    inside[4:36, :32] = True
    holes = {"small": np.s_[10:13, 10:13], "large": np.s_[20:30, 20:30]}
    openings = {"rim": np.s_[15:17, 0:2], "bay": np.s_[4:6, 8:10]}
    for place in (*holes.values(), *openings.values()):
        inside[place] = False
    return inside, holes


def test_small_holes_are_found_and_nothing_else(pierced):
    inside, holes = pierced
    expected = np.zeros_like(inside)
    expected[holes["small"]] = True
    assert np.array_equal(find_small_holes(inside), expected)


def test_a_hole_that_was_clicked_away_is_none(pierced):
    inside, holes = pierced
    spared = np.zeros_like(inside)
    spared[11, 11] = True
    assert not find_small_holes(inside, spared).any()
    beside = np.zeros_like(inside)
    beside[36, 38] = True
    assert find_small_holes(inside, beside)[holes["small"]].all(), "said of another place"


@pytest.mark.parametrize("value", [True, False])
def test_full_and_empty_masks_have_no_holes(value):
    assert not find_small_holes(np.full((8, 8), value)).any()


def test_cells_of_points_and_masks_lie_where_the_window_shows_them():
    view = View(
        (10, 20, 74, 84), 128
    )  # two input pixels per data pixel, eight cells per 16 data pixels
    cells = view.cells_of_points([(10, 20), (73.4, 83.4), (42, 20.5)])
    assert sorted(zip(*np.nonzero(cells), strict=True)) == [(0, 0), (16, 0), (31, 31)]
    mask = np.zeros((100, 100), dtype=bool)
    mask[42:46, 20:24] = True
    rows, columns = np.nonzero(view.cells_of_mask(mask[10:74, 20:84]))
    assert {16, 17} <= set(rows.tolist()) <= set(range(14, 20))
    assert {0, 1} <= set(columns.tolist()) <= set(range(4))
    assert not view.cells_of_points([]).any()
