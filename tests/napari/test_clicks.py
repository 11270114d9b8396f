"""Rows of the prompts layer as clicks; without a window."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_sam2._napari.clicks import by_frame, read_clicks
from napari_sam2._napari.coordinates import Placement
from napari_sam2._napari.layers import make_prompts
from napari_sam2._napari.messages import Click
from napari_sam2.errors import PromptError
from napari_sam2.prompts import Point

PLACEMENT = Placement((4, 10, 12), axis=0, position=(0, 0, 0), names=("z", "y", "x"))


@pytest.fixture
def image() -> Image:
    return Image(np.zeros((4, 10, 12)), scale=(2, 0.5, 0.5), translate=(0, 7, 0))


def test_no_rows_are_no_clicks(image) -> None:
    assert read_clicks(make_prompts(image), image, PLACEMENT) == []


def test_rows_are_read_with_their_features(image) -> None:
    prompts = make_prompts(image)
    prompts.add([1, 2, 3])
    prompts.selected_data = set()
    prompts.feature_defaults = {"object_id": 4, "positive": False}
    prompts.add([3, 5.5, 6.25])
    assert read_clicks(prompts, image, PLACEMENT) == [
        Click(1, Point(1, (2, 3))),
        Click(4, Point(3, (5.5, 6.25), positive=False)),
    ]


def test_prompts_layer_that_was_moved_is_read_through_the_world(image) -> None:
    prompts = make_prompts(image)
    prompts.translate = (0, 0, 0)  # the image begins at y = 7
    prompts.scale = (1, 1, 1)
    prompts.add([2, 9, 3])
    assert read_clicks(prompts, image, PLACEMENT) == [Click(1, Point(1, (4, 6)))]


@pytest.mark.parametrize("bad", [0, -1, 1.5, float("nan"), "cell"])
def test_row_without_an_object_is_an_error_that_names_the_value(image, bad) -> None:
    prompts = make_prompts(image)
    prompts.add([[1, 2, 3], [1, 4, 5]])
    prompts.features = {"object_id": [1, bad], "positive": [True, True]}
    good, error = read_clicks(prompts, image, PLACEMENT)
    if not isinstance(bad, str):  # one word makes the whole column words
        assert good == Click(1, Point(1, (2, 3)))
    assert isinstance(error, PromptError)
    assert str(error).startswith(f"object_id {bad} in the table of the prompts is not an object")


def test_clicks_are_grouped_by_object_and_frame_in_their_order() -> None:
    a, b, c = Point(1, (1, 1)), Point(1, (2, 2)), Point(2, (3, 3))
    clicks = [Click(1, b), Click(2, a), Click(1, c), Click(1, a)]
    assert by_frame(clicks) == {(1, 1): (b, a), (2, 1): (a,), (1, 2): (c,)}
