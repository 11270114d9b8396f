from __future__ import annotations

import numpy as np
import pytest

from napari_sam2.evaluation import BaselineMethod, iou
from napari_sam2.evaluation.baselines import BASELINES
from napari_sam2.evaluation.user import box_around, first_click
from napari_sam2.prompts import Point

pytestmark = pytest.mark.parametrize("name", BASELINES)


def test_clicks_and_boxes_inside_a_window(name, balls) -> None:
    work = BaselineMethod(name).open(balls, 40)
    truth = balls.truth[4] == 1
    assert iou(work.click(1, first_click(truth, 4)), truth) > 0.8
    assert iou(work.box(2, box_around(truth, 4)), truth) > 0.7
    assert work.candidates(1, 4) == []


def test_a_negative_click_takes_a_place_away(name, balls) -> None:
    work = BaselineMethod(name).open(balls, None)
    truth = balls.truth[4] == 1
    click = first_click(truth, 4)
    assert work.click(1, click)[20, 24]
    assert not work.click(1, Point(4, (20, 24), positive=False))[20, 24]


def test_objects_are_carried_and_end(name, balls) -> None:
    work = BaselineMethod(name).open(balls, None)
    for label, frame in balls.middles().items():
        work.click(label, first_click(balls.truth[frame] == label, frame))
    labels = work.carry()
    for label in (1, 2):
        assert iou(labels == label, balls.truth == label) > 0.7
        # where the object has ended, little or nothing is left of it
        gone = ~(balls.truth == label).any(axis=(1, 2))
        assert (labels[gone] == label).sum() < 0.05 * (balls.truth == label).sum()


def test_a_correction_changes_its_frame_and_those_nearer_to_it(name, balls) -> None:
    work = BaselineMethod(name).open(balls, None)
    work.click(1, first_click(balls.truth[4] == 1, 4))
    before = work.carry()
    assert before[6][20, 23] == 1
    work.click(1, Point(6, (20, 23), positive=False))
    after = work.carry()
    np.testing.assert_array_equal(after[:6], before[:6])
    assert after[6][20, 23] == 0


def test_an_object_is_forgotten(name, balls) -> None:
    work = BaselineMethod(name).open(balls, None)
    work.click(1, first_click(balls.truth[4] == 1, 4))
    work.forget(1)
    assert not work.carry().any()


def test_the_same_twice(name, balls) -> None:
    def run() -> np.ndarray:
        work = BaselineMethod(name).open(balls, 40)
        work.click(1, first_click(balls.truth[4] == 1, 4))
        return np.asarray(work.carry())

    np.testing.assert_array_equal(run(), run())
