from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_sam2.evaluation.baselines import BASELINES, Seeds, flood_fill
from napari_sam2.evaluation.measures import iou

ROWS, COLUMNS = np.ogrid[:48, :48]
OBJECT = np.hypot(ROWS - 24, COLUMNS - 20) <= 9
NEIGHBOUR = np.hypot(ROWS - 24, COLUMNS - 40) <= 5


def patch_of(inside: float, outside: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    patch = np.where(OBJECT | NEIGHBOUR, inside, outside) + rng.normal(0, 0.01, OBJECT.shape)
    return gaussian_filter(patch.astype(np.float32), 1)


def seeds_of(*outside: tuple[int, int]) -> Seeds:
    inside, out, edge = np.zeros((3, 48, 48), bool)
    inside[23:26, 19:22] = True
    for y, x in outside:
        out[y - 1 : y + 2, x - 1 : x + 2] = True
    edge[[0, -1]] = edge[:, [0, -1]] = True
    return Seeds(inside, out, edge)


@pytest.mark.parametrize("fill", BASELINES.values(), ids=BASELINES)
@pytest.mark.parametrize(("inside", "outside"), [(0.8, 0.2), (0.2, 0.8)])
def test_one_seed_fills_an_object_that_stands_out(fill, inside, outside) -> None:
    mask = fill(patch_of(inside, outside), seeds_of())
    assert mask.dtype == bool
    assert iou(mask, OBJECT) > 0.8
    assert not (mask & NEIGHBOUR).any()


@pytest.mark.parametrize("fill", BASELINES.values(), ids=BASELINES)
def test_a_seed_outside_takes_a_place_away(fill) -> None:
    patch = patch_of(0.8, 0.2)
    patch[23:26, 28:36] = 0.8  # a bridge to the neighbour
    leaky = fill(patch, seeds_of())
    mended = fill(patch, seeds_of((24, 32), (24, 40)))
    assert not mended[24, 40]
    assert iou(mended, OBJECT) > max(0.8, iou(leaky, OBJECT) - 0.01)


def test_the_threshold_of_the_flood_moves_to_exclude_what_is_dimmer() -> None:
    patch = patch_of(0.8, 0.1)
    patch[14:35, 29:46] = 0.55
    leaky, mended = flood_fill(patch, seeds_of()), flood_fill(patch, seeds_of((20, 40)))
    assert leaky[20, 40]
    assert not mended[:, 31:].any()
    assert iou(mended, OBJECT) > 0.75 > iou(leaky, OBJECT)


@pytest.mark.parametrize("fill", BASELINES.values(), ids=BASELINES)
def test_an_even_patch_is_no_error(fill) -> None:
    seeds = seeds_of()
    mask = fill(np.full((48, 48), 0.5, np.float32), seeds)
    assert (mask & seeds.inside).sum() == seeds.inside.sum()


@pytest.mark.parametrize("fill", BASELINES.values(), ids=BASELINES)
def test_seeds_everywhere_are_taken_as_they_are(fill) -> None:
    seeds = Seeds(OBJECT, ~OBJECT, np.zeros_like(OBJECT))
    np.testing.assert_array_equal(fill(patch_of(0.8, 0.2), seeds), OBJECT)


def test_the_flood_fills_holes() -> None:
    patch = patch_of(0.8, 0.2)
    patch[28:30, 18:20] = 0.2
    assert flood_fill(patch, seeds_of())[28:30, 18:20].all()


def test_a_flood_that_runs_to_the_rim_is_taken_back() -> None:
    patch, seeds = patch_of(0.8, 0.2), seeds_of()
    alone = flood_fill(patch, seeds)
    seeds.inside[40:43, 8:11] = True  # on the dark ground
    both = flood_fill(patch, seeds)
    np.testing.assert_array_equal(both, alone | seeds.inside)
