"""The confidence is monotone in every sign, and says nothing where there is nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sam2 import FrameScores
from napari_sam2.engine.confidence import area_ratio, confidence


def scores(frame, prompted=(), **values):
    """Perfect scores, but for those that are given."""
    n = len(frame)
    perfect = {
        "iou_score": 1.0,
        "stability_score": 1.0,
        "object_score": 50.0,
        "area": 100.0,
        "overlap": 1.0,
    }
    arrays = {k: np.broadcast_to(values.get(k, v), n).astype(float) for k, v in perfect.items()}
    return FrameScores(np.array(frame, dtype=int), prompted=np.isin(frame, prompted), **arrays)


def test_perfect_frames_have_one_and_missing_frames_nan():
    values = confidence(scores([1, 2, 4], [2], area=[100, 100, 0]), 6)
    np.testing.assert_allclose(values, [np.nan, 1, 1, np.nan, np.nan, np.nan])


def test_an_object_without_masks_has_none():
    assert np.isnan(confidence(scores([]), 3)).all()


def test_prompted_frames_are_trusted_whatever_the_model_thinks():
    low = scores([0, 1], [0], iou_score=0.1, stability_score=0.2, object_score=-5, overlap=0.1)
    assert confidence(low, 2)[0] == 1
    assert confidence(low, 2)[1] < 0.01


@pytest.mark.parametrize(
    ("sign", "value", "expected"),
    [
        ("iou_score", 0.8, 0.8),
        ("stability_score", 0.35, 0.5),
        ("stability_score", 0.7, 1.0),
        ("object_score", 0.0, 0.5),
        ("overlap", 0.45, 0.5),
        ("overlap", 0.9, 1.0),
        ("overlap", np.nan, 1.0),
        ("iou_score", np.nan, 1.0),
    ],
)
def test_each_sign_alone(sign, value, expected):
    assert confidence(scores([3], **{sign: value}), 4)[3] == pytest.approx(expected)


def test_a_sudden_change_of_area_is_seen_on_the_frame_after_it():
    # tracked from frame 2 to both sides; the area drops between 3 and 4 and stays so
    given = scores([1, 2, 3, 4, 5], [2], area=[100, 100, 90, 18, 18])
    np.testing.assert_allclose(area_ratio(given), [1, np.nan, 0.9, 0.2, 1])
    np.testing.assert_allclose(confidence(given, 6)[1:], [1, 1, 1, 0.4, 1])


def test_growing_counts_as_shrinking_does():
    grown = scores([0, 1], [0], area=[20, 100])
    shrunk = scores([0, 1], [0], area=[100, 20])
    assert confidence(grown, 2)[1] == confidence(shrunk, 2)[1] == pytest.approx(0.4)


unit = st.floats(0, 1)


@given(
    st.fixed_dictionaries(
        {
            "iou_score": unit,
            "stability_score": unit,
            "object_score": st.floats(-1e6, 1e6),
            "overlap": unit,
        }
    ),
    st.sampled_from(["iou_score", "stability_score", "object_score", "overlap"]),
    st.floats(0, 10),
)
def test_it_is_monotone_and_between_0_and_1(values, sign, more):
    better = {**values, sign: values[sign] + more}
    low, high = (confidence(scores([0, 1], [0], **v), 2)[1] for v in (values, better))
    assert 0 <= low <= high <= 1
