"""The stop rule, the scores, scribbles."""

import numpy as np
import pytest
import torch

from napari_sam2.engine.scores import mask_iou, stability_score
from napari_sam2.engine.scribbles import points_along
from napari_sam2.engine.stop_rule import StopRule, StopWatch


def run(rule, start, frames):
    watch = StopWatch(rule, start)
    return [watch.see(area, score) for area, score in frames]


def test_absence_has_to_last():
    rule = StopRule(absent_frames=2)
    assert run(rule, 100, [(90, 5), (0, 5), (80, 5), (0, 5), (0, 5)]) == ["", "", "", "", "empty"]
    assert run(rule, 100, [(90, -1), (90, -1)]) == ["", "object_score"]


def test_growth_is_measured_against_the_last_area():
    rule = StopRule(growth=3.0, growth_area=50)
    assert run(rule, 100, [(250, 5), (700, 5), (2101, 5)]) == ["", "", "growth"]
    assert run(rule, 10, [(50, 5)]) == [""], "small masks flicker"
    assert run(rule, 100, [(0, 5), (301, 5)]) == ["", "growth"], "an empty frame does not reset it"


def test_never_is_never():
    frames = [(0, -9.0)] * 50 + [(10**6, 5.0)]
    assert not any(run(StopRule.never(), 1, frames))


def test_stability_is_the_iou_of_two_thresholds():
    logits = torch.tensor([[[3.0, 0.5, -0.5, -3.0]], [[-3.0] * 4]])
    assert stability_score(logits).tolist() == pytest.approx([1 / 3, 1.0])
    assert stability_score(logits, 0.1).tolist() == pytest.approx([1.0, 1.0])


def test_mask_iou():
    a = np.array([[1, 1, 0]], bool)
    assert mask_iou(a, np.array([[0, 1, 1]], bool)) == pytest.approx(1 / 3)
    assert np.isnan(mask_iou(a & False, a & False))


def test_scribbles():
    assert points_along([(5, 5)]) == [(5.0, 5.0)]
    assert points_along([(0, 0), (0, 24)], spacing=12) == [(0.0, 6.0), (0.0, 18.0)]
    corner = points_along([(0, 0), (0, 10), (10, 10)], spacing=5)
    assert len(corner) == 4
    assert corner[0] == (0.0, 2.5)
    assert corner[-1] == (7.5, 10.0)
    assert len(points_along([(0, 0), (1000, 0)], most=8)) == 8
