from __future__ import annotations

import numpy as np
import pytest

from napari_sam2.cli.clicks import bright_blobs, iou_3d, middle_of_objects, window_for
from napari_sam2.prompts import Point


def disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.hypot(rows - centre[0], columns - centre[1]) <= radius


def test_objects_are_clicked_on_their_middle_slice_far_from_the_border() -> None:
    labels = np.zeros((6, 30, 40), int)
    for frame, radius in ((1, 4), (2, 6), (3, 7), (4, 3)):
        labels[frame][disc((30, 40), (12, 20), radius)] = 5
    labels[0, 2:4, 2:9] = 2
    clicks = middle_of_objects(labels, most=10)
    assert [c.object_id for c in clicks] == [2, 5]
    assert clicks[1].point == Point(3, (12.0, 20.0))
    assert clicks[1].diameter == pytest.approx(14, abs=0.8)
    assert labels[0][tuple(int(v) for v in clicks[0].point.yx)] == 2
    assert [c.object_id for c in middle_of_objects(labels, most=1)] == [5]


def test_a_click_lies_inside_an_object_that_is_curved() -> None:
    ring = disc((40, 40), (20, 20), 15) & ~disc((40, 40), (20, 20), 9)
    [click] = middle_of_objects(ring[np.newaxis].astype(int), most=1)
    assert ring[tuple(int(v) for v in click.point.yx)]


def test_bright_blobs_are_clicked_in_their_middles_largest_first() -> None:
    centres = [(30, 30), (30, 90), (80, 60)]
    radii = [9, 13, 11]
    plane = np.zeros((120, 120), np.float32)
    for centre, radius in zip(centres, radii, strict=True):
        plane[disc(plane.shape, centre, radius)] = 0.8
    plane += np.random.default_rng(0).normal(0, 0.05, plane.shape).astype(np.float32)
    clicks = bright_blobs(plane, frame=4, most=5)
    assert [c.object_id for c in clicks] == [1, 2, 3]
    for click, index in zip(clicks, (1, 2, 0), strict=True):
        assert click.point.frame == 4
        assert np.hypot(*np.subtract(click.point.yx, centres[index])) < 2.5
        assert click.diameter == pytest.approx(2 * radii[index], rel=0.2)
    assert len(bright_blobs(plane, 4, most=2)) == 2
    assert bright_blobs(plane, 4, 5) == clicks


def test_touching_blobs_are_clicked_one_by_one() -> None:
    plane = np.zeros((60, 80), np.float32)
    plane[disc(plane.shape, (30, 25), 14)] = 1
    plane[disc(plane.shape, (30, 51), 14)] = 1
    columns = sorted(c.point.yx[1] for c in bright_blobs(plane, 0, 5))
    assert columns == pytest.approx([25, 51], abs=3)


def test_nothing_is_clicked_where_nothing_stands_out() -> None:
    assert bright_blobs(np.full((20, 20), 3.0), 0, 5) == []
    halves = np.zeros((40, 40))
    halves[:, 20:] = 1
    assert all(c.diameter <= 20 for c in bright_blobs(halves, 0, 5))


def test_window_is_four_median_diameters() -> None:
    labels = np.zeros((1, 60, 60), int)
    labels[0][disc((60, 60), (15, 15), 5)] = 1
    labels[0][disc((60, 60), (40, 15), 6)] = 2
    labels[0][disc((60, 60), (40, 42), 14)] = 3
    assert window_for(middle_of_objects(labels, 9)) == pytest.approx(4 * 12, abs=3)


def test_iou_over_all_frames() -> None:
    truth = np.zeros((2, 2, 4), int)
    truth[0, 0] = 1
    truth[1, :, 0] = 2
    found = np.zeros_like(truth)
    found[0, 0, :2] = 1
    found[1, 0, 0] = 1
    assert iou_3d(found, truth, [1, 2]) == {1: pytest.approx(2 / 5), 2: 0.0}
    assert iou_3d(truth, truth, [1, 2]) == {1: 1.0, 2: 1.0}
