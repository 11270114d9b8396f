from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from napari_sam2.evaluation import Options, evaluate_scene
from napari_sam2.evaluation.protocol import ALWAYS_CLICKED
from napari_sam2.evaluation.scene import window_for


def test_clicks_go_on_until_nothing_is_wrong(balls, perfect) -> None:
    result = evaluate_scene(balls, [perfect()], Options(carry=False)).results[0]
    assert [r.object_id for r in result.clicks] == [1, 2]
    for record in result.clicks:
        assert len(record.ious) == 2
        assert 0.4 < record.ious[0] < 0.7
        assert record.ious[1] == record.box_iou == record.best_of_three == 1
        assert record.iou_after(1) == record.ious[0]
        assert record.iou_after(5) == 1
        assert record.clicks_to(0.8, 10) == 2
        assert record.first_mask.area == round(
            record.ious[0] * (balls.truth[4] == record.object_id).sum()
        )
    assert result.carried == ()


def test_a_method_that_never_learns_is_given_up(balls, perfect) -> None:
    class Stubborn(perfect):
        def open(self, scene, window_side):
            work = super().open(scene, window_side)
            work.click = lambda object_id, point: np.zeros(scene.stack.plane_shape, bool)
            work.candidates = lambda object_id, frame: []
            return work

    record = evaluate_scene(balls, [Stubborn()], Options(carry=False)).results[0].clicks[0]
    assert record.ious == (0,) * 10
    assert record.clicks_to(0.8, 10) == 10
    assert np.isnan(record.best_of_three)


def test_a_good_result_is_clicked_five_times_and_no_more(balls, perfect) -> None:
    given = []

    class Nearly(perfect):
        def open(self, scene, window_side):
            work = super().open(scene, window_side)

            def click(object_id, point):
                given.append(point)
                truth = scene.truth[4] == (1 if object_id == 1 else 2)
                mask = truth.copy()
                mask[tuple(np.argwhere(truth)[0])] = False
                return mask

            work.click = click
            work.candidates = lambda object_id, frame: []
            return work

    result = evaluate_scene(balls, [Nearly()], Options(carry=False, objects=1)).results[0]
    assert len(result.clicks[0].ious) == len(given) <= ALWAYS_CLICKED
    assert result.clicks[0].ious[0] > 0.9


def test_one_click_is_carried_and_the_worst_frame_corrected(balls, perfect) -> None:
    result = evaluate_scene(balls, [perfect(mistakes=2)], Options(clicks=False)).results[0]
    assert result.clicks == ()
    assert result.tracking is None
    for record in result.carried:
        truth = balls.truth == record.object_id
        frames = np.flatnonzero(truth.any(axis=(1, 2)))
        assert record.point.frame == balls.middles()[record.object_id]
        areas = truth.sum(axis=(1, 2))
        missed = areas[frames[-2:]].sum()
        assert record.before.iou == pytest.approx(1 - missed / areas.sum())
        assert record.before.lost == pytest.approx(2 / len(frames))
        assert record.before.leak == 0
        assert record.correction is not None
        assert record.correction.frame == frames[-2]  # the larger one of the two
        assert record.correction.positive
        assert record.after.iou == record.after.dice == 1
        assert sorted(record.masks) == frames[:-2].tolist()


def test_tracks_are_scored_and_divisions_are_no_mistake_of_the_mother(family, perfect) -> None:
    class Following(perfect):
        """The mother's mask goes on as the first daughter's before that one begins."""

        def open(self, scene, window_side):
            work = super().open(scene, window_side)
            carry = work.carry

            def follow():
                labels = carry()
                labels[3:][labels[3:] == 2] = 1
                return labels

            work.carry = follow
            return work

    result = evaluate_scene(family, [Following()], Options(clicks=False)).results[0]
    by_id = {record.object_id: record for record in result.carried}
    assert by_id[1].before.iou == 1
    assert by_id[2].before.iou == 0
    assert by_id[3].before.iou == by_id[4].before.iou == 1
    assert result.tracking is not None
    assert result.tracking.seg == result.tracking.det == 1
    edits = result.tracking.edits  # one division is a track, the other one is missing
    assert (edits.change_link, edits.add_link) == (1, 1)


def test_markers_are_limited_to_the_tracks_that_are_tried(family, perfect) -> None:
    markers = np.zeros_like(family.truth)
    markers[family.truth == 4] = 4
    scene = dataclasses.replace(family, markers=markers)
    result = evaluate_scene(scene, [perfect()], Options(clicks=False)).results[0]
    assert result.tracking is not None
    assert result.tracking.edits.add_node == 0
    assert result.tracking.edits.delete_node == 3 + 3 + 3


def test_objects_are_drawn_by_lot_and_the_same_for_all(balls, perfect) -> None:
    def picked(seed):
        methods = [perfect(), perfect()]
        options = Options(objects=1, seed=seed)
        results = evaluate_scene(balls, methods, options).results
        ids = [tuple(r.object_id for r in result.clicks) for result in results]
        assert ids[0] == ids[1]
        assert [len(result.carried) for result in results] == [1, 1]
        return ids[0]

    assert picked(0) == picked(0)
    assert len({picked(seed) for seed in range(8)}) == 2


def test_frames_that_do_not_belong_together_are_not_carried(balls, perfect) -> None:
    scene = dataclasses.replace(balls, follow="no")
    assert evaluate_scene(scene, [perfect()], Options()).results[0].carried == ()


@pytest.mark.parametrize(("window", "side"), [(None, None), (0, None), (40, 40)])
def test_the_window(balls, perfect, window, side) -> None:
    result = evaluate_scene(balls, [perfect()], Options(window=window))
    assert (result.click_window, result.carry_window) == (side, side)


def test_four_median_diameters_of_small_objects() -> None:
    assert window_for([72, 72, 72], (200, 200)) == 38
    assert window_for([72, 72, 72], (48, 40)) == 38
    assert window_for([72, 72, 72], (47, 40)) is None
    assert window_for([4, 4], (200, 200)) == 32
    assert window_for([], (200, 200)) is None
