"""Parts of a mask that hang on to nothing."""

import numpy as np
import pytest
import torch

from napari_sam2.engine.islands import drop_islands
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


@pytest.fixture
def logits():
    size = torch.rand(INSIDE.shape, generator=torch.Generator().manual_seed(0)) + 0.1
    return torch.where(torch.from_numpy(INSIDE), size, -size)


@pytest.mark.parametrize(
    ("places", "kept"),
    [
        ([(0, 0)], [(0, 0), (0, 1), (1, 0)]),
        ([(3, 2)], [(2, 3), (3, 2)]),  # a corner connects
        ([(4, 5), (2, 3), (1, 4)], [(4, 5), (2, 3), (3, 2)]),
    ],
)
def test_parts_without_a_seed_become_background(logits, places, kept):
    result = drop_islands(logits, seed(*places))
    assert sorted(map(tuple, torch.nonzero(result > 0).tolist())) == sorted(kept)
    assert torch.equal(result.abs(), logits.abs()), "no logit becomes more or less certain"


@pytest.mark.parametrize("places", [[], [(4, 0)]])
def test_where_no_part_has_a_seed_all_stay(logits, places):
    assert torch.equal(drop_islands(logits, seed(*places)), logits)


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
