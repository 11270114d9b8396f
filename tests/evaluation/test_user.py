from __future__ import annotations

import numpy as np
import pytest

from napari_sam2.evaluation.user import box_around, correction, deepest_point, first_click
from napari_sam2.prompts import Point


def mask_of(*rows: str) -> np.ndarray:
    return np.array([[letter == "#" for letter in row] for row in rows])


def test_the_deepest_point_is_the_middle_of_a_block() -> None:
    mask = mask_of(
        ".......",
        ".#####.",
        ".#####.",
        ".#####.",
        "......#",
    )
    assert deepest_point(mask) in {(2.0, 2.0), (2.0, 3.0), (2.0, 4.0)}
    assert first_click(mask, 7) == Point(7, deepest_point(mask), True)


def test_the_edge_of_the_plane_is_a_border() -> None:
    assert deepest_point(np.ones((5, 9), bool)) == (2.0, 2.0)


def test_a_single_pixel_is_its_own_deepest_point() -> None:
    mask = np.zeros((4, 5), bool)
    mask[3, 1] = True
    assert deepest_point(mask) == (3.0, 1.0)


TRUTH = mask_of(
    "#########.",
    "#########.",
    "#########.",
    "..........",
    "..........",
)


def test_a_correction_is_positive_where_more_is_missing() -> None:
    result = TRUTH.copy()
    result[:, 4:] = False
    result[4, :2] = True
    assert correction(result, TRUTH, 3) == Point(3, (1.0, 5.0), True)


def test_a_correction_is_negative_where_more_is_too_much() -> None:
    result = TRUTH | mask_of(*["." * 10] * 3, *["..########"] * 2)
    result[0, 0] = False
    point = correction(result, TRUTH, 0)
    assert point is not None
    assert not point.positive
    assert point.yx[0] in (3, 4)


def test_the_largest_region_counts_and_not_the_sum() -> None:
    result = TRUTH.copy()
    result[0, :3] = False  # three pixels missing in one piece
    result[4, 0:9:2] = True  # five too many, each alone
    assert correction(result, TRUTH, 0) == Point(0, (0.0, 0.0), True)


def test_nobody_clicks_the_same_pixel_twice() -> None:
    nothing = np.zeros_like(TRUTH)
    first = correction(nothing, TRUTH, 0)
    assert first is not None
    second = correction(nothing, TRUTH, 0, [first])
    third = correction(nothing, TRUTH, 0, [first, second])
    elsewhere = correction(nothing, TRUTH, 0, [Point(1, first.yx)])
    assert len({first, second, third}) == 3
    assert elsewhere == first


def test_nothing_to_correct() -> None:
    assert correction(TRUTH, TRUTH, 0) is None


@pytest.mark.parametrize(
    ("part", "low", "high"),
    [
        (np.s_[1:3, 2:6], (0.5, 1.5), (2.5, 5.5)),
        (np.s_[0:2, 0:1], (0.0, 0.0), (1.5, 0.5)),
        (np.s_[4:5, 9:10], (3.5, 8.5), (4.0, 9.0)),
    ],
)
def test_a_box_follows_the_outer_edges_inside_the_plane(part, low, high) -> None:
    mask = np.zeros((5, 10), bool)
    mask[part] = True
    box = box_around(mask, 2)
    assert (box.frame, box.yx_min, box.yx_max) == (2, low, high)
