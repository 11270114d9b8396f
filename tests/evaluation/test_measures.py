from __future__ import annotations

import numpy as np
import pytest

from napari_sam2.evaluation.measures import CarryScores, FrameCounts, Summary, count_frames, iou


def test_iou() -> None:
    a, b = np.zeros((2, 4, 4), bool)
    assert iou(a, b) == 1
    a[:2], b[1:3] = True, True
    assert iou(a, b) == pytest.approx(4 / 12)
    assert iou(a, a) == 1
    assert iou(a, ~a) == 0


def test_counts_are_per_object_and_frame() -> None:
    truth = np.array([[[1, 1, 2]], [[0, 1, 2]], [[0, 0, 0]]])
    result = [np.array([[1, 2, 2]]), np.array([[0, 1, 9]]), np.array([[1, 0, 0]])]
    counts = count_frames(result, truth, [1, 2])
    assert counts[1].found.tolist() == [1, 1, 1]
    assert counts[1].real.tolist() == [2, 1, 0]
    assert counts[1].both.tolist() == [1, 1, 0]
    assert counts[1].wrong.tolist() == [1, 0, 1]
    assert counts[1].ious.tolist() == [0.5, 1.0]
    assert counts[2].found.tolist() == [2, 0, 0]
    assert counts[2].both.tolist() == [1, 0, 0]


def test_scores_of_an_object_over_frames() -> None:
    counts = FrameCounts(*np.array([[8, 10, 4, 0], [10, 10, 0, 10], [8, 5, 0, 0]]))
    scores = CarryScores.of(counts)
    assert scores.iou == pytest.approx(13 / (22 + 30 - 13))
    assert scores.dice == pytest.approx(26 / 52)
    assert scores.frame_iou == pytest.approx((0.8 + 5 / 15 + 0) / 3)
    assert scores.leak == pytest.approx(9 / 30)
    assert scores.lost == pytest.approx(1 / 3)


def test_frames_that_do_not_count_are_left_out() -> None:
    counts = FrameCounts(*np.array([[8, 10, 4, 0], [10, 10, 0, 0], [8, 10, 0, 0]]))
    assert CarryScores.of(counts).leak == pytest.approx(4 / 20)
    assert CarryScores.of(counts.only(range(2))).leak == 0


def test_a_summary_counts_failures_and_leaves_out_what_is_unknown() -> None:
    summary = Summary.of([0.2, 0.4, 0.6, 0.8, 1.0, np.nan])
    assert summary == Summary(5, 0.6, 0.4, 0.8, 2)
    nothing = Summary.of([np.nan])
    assert nothing.n == 0
    assert np.isnan(nothing.median)


def test_large_labels_take_no_more_memory() -> None:
    truth = np.array([[[0, 4_000_000_000, 7]]])
    counts = count_frames([truth[0]], truth, [4_000_000_000, 5])
    assert counts[4_000_000_000].both.tolist() == [1]
    assert counts[5].real.tolist() == [0]
