from __future__ import annotations

import numpy as np
import pytest

from napari_sam2.training.clicks import (
    correction_click,
    deepest_point,
    first_click,
    jittered_box,
    pick_inside,
    rough_logits,
)


def _rectangle(y0: int, y1: int, x0: int, x1: int, side: int = 32) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_the_deepest_point_is_the_middle_of_a_square() -> None:
    assert deepest_point(_rectangle(4, 13, 10, 19)) == (14.0, 8.0)


def test_the_border_of_the_image_is_a_border() -> None:
    x, y = deepest_point(_rectangle(0, 9, 0, 9))
    assert (x, y) == (4.0, 4.0)


@pytest.mark.parametrize("depth", [0.0, 0.5, 1.0])
def test_clicks_are_as_deep_as_asked(depth: float) -> None:
    mask, rng = _rectangle(5, 20, 6, 27), np.random.default_rng(0)
    for _ in range(50):
        x, y = pick_inside(mask, depth, rng)
        distance = min(y - 4, 20 - y, x - 5, 27 - x)
        assert mask[int(y), int(x)]
        assert distance >= depth * 8


def test_first_clicks_are_inside_and_vary() -> None:
    mask, rng = _rectangle(5, 20, 6, 27), np.random.default_rng(0)
    clicks = [first_click(mask, rng) for _ in range(60)]
    assert all(mask[int(y), int(x)] for x, y in clicks)
    assert len(set(clicks)) > 20


def test_an_empty_mask_cannot_be_clicked() -> None:
    with pytest.raises(ValueError, match="empty mask"):
        pick_inside(np.zeros((4, 4), bool), 0, np.random.default_rng(0))


def test_corrections_fall_in_the_error_and_have_its_sign() -> None:
    truth, predicted = _rectangle(4, 20, 4, 20), _rectangle(10, 28, 4, 16)
    rng, kinds = np.random.default_rng(0), []
    for _ in range(60):
        (x, y), kind = correction_click(predicted, truth, rng)
        at = int(y), int(x)
        assert predicted[at] != truth[at]
        assert kind == truth[at]
        kinds.append(kind)
    assert set(kinds) == {0, 1}


def test_a_perfect_mask_is_confirmed() -> None:
    truth, rng = _rectangle(4, 20, 4, 20), np.random.default_rng(0)
    (x, y), kind = correction_click(truth, truth, rng)
    assert kind == 1
    assert truth[int(y), int(x)]
    nothing = np.zeros((8, 8), bool)
    assert correction_click(nothing, nothing, rng)[1] == 0


def test_boxes_are_near_the_mask_and_in_the_image() -> None:
    mask, rng = _rectangle(2, 12, 1, 31), np.random.default_rng(0)
    boxes = np.array([jittered_box(mask, rng) for _ in range(200)])
    exact = np.array([[1, 2], [30, 11]])
    limit = 0.15 * np.array([30, 10])
    assert (np.abs(boxes - exact) <= limit + 1e-5).all()
    assert boxes.min() >= 0
    assert boxes.max() <= 31
    assert boxes.std(0).min() > 0


def test_rough_logits_resemble_the_mask() -> None:
    mask, rng = _rectangle(16, 48, 16, 48, side=64), np.random.default_rng(0)
    for _ in range(20):
        logits = rough_logits(mask, rng)
        assert logits.shape == (16, 16)
        assert logits[6:10, 6:10].min() > 0 > logits[0].max()
        assert 4 <= np.abs(logits).max() <= 12
