"""Cases whose edits can be counted by hand. Frames are rows of twelve pixels, one digit each."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sam2.evaluation.tracking_measures import Costs, Edits, TrackGraph, score_tracks

NONE = Edits(0, 0, 0, 0, 0, 0)


def frames(*rows: str) -> list[np.ndarray]:
    return [np.array([[int(letter) for letter in row]]) for row in rows]


TWO = frames("111100002222", "111100002222", "111100002222")
ALL_NODES = 10 * 6
ALL = ALL_NODES + 1.5 * 4


def check(scores, edits: Edits, nodes: float, links: float) -> None:
    assert scores.edits == edits
    assert scores.det == pytest.approx(1 - nodes / ALL_NODES)
    assert scores.tra == pytest.approx(1 - (nodes + links) / ALL)


def test_the_truth_itself_is_perfect() -> None:
    scores = score_tracks(TWO, TWO)
    assert (scores.seg, scores.det, scores.tra, scores.edits) == (1, 1, 1, NONE)


def test_other_numbers_are_as_good() -> None:
    renamed = frames("777700003333", "777700003333", "777700003333")
    assert score_tracks(renamed, TWO).tra == 1


def test_nothing_found() -> None:
    scores = score_tracks(frames(*["0" * 12] * 3), TWO)
    assert (scores.seg, scores.det, scores.tra) == (0, 0, 0)
    assert scores.edits == Edits(0, 6, 0, 0, 4, 0)


def test_an_end_that_is_missed() -> None:
    result = frames("111100002222", "111100002222", "111100000000")
    scores = score_tracks(result, TWO)
    check(scores, Edits(0, 1, 0, 0, 1, 0), 10, 1.5)
    assert scores.seg == pytest.approx(5 / 6)


def test_a_gap_has_a_link_that_is_wrong_and_two_that_are_missing() -> None:
    result = frames("111100002222", "111100000000", "111100002222")
    check(score_tracks(result, TWO), Edits(0, 1, 0, 1, 2, 0), 10, 1 + 3)


def test_an_object_that_is_none() -> None:
    result = frames("111100002222", "111133002222", "111133002222")
    # the link between the two goes with them
    check(score_tracks(result, TWO), Edits(0, 0, 2, 0, 0, 0), 2, 0)


def test_two_objects_taken_for_one_are_split_and_linked_anew() -> None:
    result = frames("111100002222", "111111111111", "111100002222")
    scores = score_tracks(result, TWO)
    # 2 has a link over the gap, of two good nodes that are not linked in truth
    check(scores, Edits(1, 0, 0, 1, 4, 0), 5, 1 + 6)
    assert scores.seg == pytest.approx((4 + 2 * 4 / 12) / 6)


def test_exchanged_identities() -> None:
    result = frames("111100002222", "111100002222", "222200001111")
    scores = score_tracks(result, TWO)
    check(scores, Edits(0, 0, 0, 2, 2, 0), 0, 2 + 3)
    assert scores.seg == 1


def test_half_of_an_object_is_not_enough_and_more_is() -> None:
    half = frames("110000002222", "111100002222", "111100002222")
    assert score_tracks(half, TWO).edits == Edits(0, 1, 1, 0, 1, 0)
    more = frames("111000002222", "111100002222", "111100002222")
    scores = score_tracks(more, TWO)
    assert scores.edits == NONE
    assert scores.seg == pytest.approx((5 + 3 / 4) / 6)


FAMILY = frames("001111110000", "001111110000", "222000000333", "222000000333")


def test_a_division_that_is_known() -> None:
    assert score_tracks(FAMILY, FAMILY, None, {2: 1, 3: 1}, {2: 1, 3: 1}).tra == 1


def test_a_division_that_is_not_known_lacks_two_links() -> None:
    scores = score_tracks(FAMILY, FAMILY, None, {2: 1, 3: 1})
    assert scores.edits == Edits(0, 0, 0, 0, 2, 0)
    assert scores.tra == pytest.approx(1 - 3 / (60 + 1.5 * 5))


def test_a_division_taken_for_one_track_has_a_link_of_the_wrong_kind() -> None:
    result = frames("001111110000", "001111110000", "111000000333", "111000000333")
    scores = score_tracks(result, FAMILY, None, {2: 1, 3: 1})
    assert scores.edits == Edits(0, 0, 0, 0, 1, 1)
    assert scores.tra == pytest.approx(1 - 2.5 / 67.5)


def test_markers_stand_for_objects_in_det_and_tra_only() -> None:
    markers = frames("010000000020", "010000000020", "010000000020")
    small = frames("011000000220", "011000000220", "011000000220")
    scores = score_tracks(small, TWO, markers)
    assert scores.edits == NONE
    assert scores.seg == 0  # two of four pixels are not more than half


def test_a_result_worse_than_none_has_no_score_below_zero() -> None:
    truth = frames("111100000000")
    rubble = frames("000023456789")
    scores = score_tracks(rubble, truth)
    assert scores.edits == Edits(0, 1, 8, 0, 0, 0)
    assert scores.det == 0


def test_an_empty_truth_has_no_scores() -> None:
    scores = score_tracks(frames("1100"), frames("0000"))
    assert np.isnan([scores.seg, scores.det, scores.tra]).all()


def test_costs_can_be_others() -> None:
    result = frames("111100002222", "111100002222", "111100000000")
    scores = score_tracks(result, TWO, costs=Costs(add_node=1, add_link=0))
    assert scores.tra == pytest.approx(1 - 1 / 6)


def test_links_of_a_graph() -> None:
    graph = TrackGraph.of([(0, 1), (2, 1), (3, 2), (3, 3), (1, 5)], {2: 1, 3: 1, 5: 1, 7: 1})
    assert graph.links == {
        ((0, 1), (2, 1)): "track",
        ((2, 1), (3, 2)): "division",
        ((2, 1), (3, 3)): "division",
    }
