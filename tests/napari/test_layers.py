"""The two layers that we make; without a window."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_sam2._napari.layers import (
    color_of,
    follow_transform,
    full_resolution,
    make_labels,
    make_prompts,
    style,
)

ROTATION = np.array([[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]])


@pytest.fixture
def image() -> Image:
    return Image(
        np.zeros((4, 10, 12)),
        name="cells",
        scale=(2, 0.3, 0.3),
        translate=(1, 2, 3),
        rotate=ROTATION,
        shear=(0, 0, 0.2),
        affine=np.diag([1, 2, 3, 1]),
        units=("pixel", "micrometer", "micrometer"),
        axis_labels=("z", "row", "column"),
    )


@pytest.fixture
def ours(image) -> list:
    return [make_labels(image, (4, 10, 12)), make_prompts(image)]


def test_layers_lie_on_the_image_exactly(image, ours) -> None:
    for layer in ours:
        for place in [(0, 0, 0), (3, 9, 11), (1, 2.5, 7.25)]:
            assert layer.data_to_world(place) == pytest.approx(image.data_to_world(place))
        assert layer.units == image.units
        assert layer.axis_labels == image.axis_labels


def test_layers_are_named_after_the_image_and_empty(ours) -> None:
    labels, prompts = ours
    assert (labels.name, prompts.name) == ("cells objects", "cells prompts")
    assert labels.data.shape == (4, 10, 12)
    assert labels.data.dtype == np.uint16
    assert not labels.data.any()
    assert (prompts.ndim, len(prompts.data)) == (3, 0)
    assert list(prompts.features) == ["object_id", "positive"]


def test_rgb_image_has_labels_without_colours() -> None:
    image = Image(np.zeros((4, 10, 12, 3), dtype=np.uint8), rgb=True)
    assert make_labels(image, image.data.shape[: image.ndim]).data.shape == (4, 10, 12)
    assert make_prompts(image).ndim == 3


def test_layers_follow_the_image_until_taken_back(image, ours) -> None:
    undo = follow_transform(image, ours)
    image.scale = (5, 1, 1)
    image.affine = np.eye(4)
    image.translate = (0, 0, -4)
    for layer in ours:
        assert layer.data_to_world((1, 2, 3)) == pytest.approx(image.data_to_world((1, 2, 3)))
    for each in undo:
        each()
    image.scale = (7, 1, 1)
    assert [layer.scale[0] for layer in ours] == [5, 5]


def test_points_have_the_colour_of_their_object(ours) -> None:
    labels, prompts = ours
    prompts.add([[0, 1, 1], [0, 2, 2], [0, 3, 3]])
    prompts.features = {"object_id": [1, 2, 1], "positive": [True, True, False]}
    style(prompts, labels)
    expected = [color_of(labels, object_id) for object_id in (1, 2, 1)]
    assert np.allclose(prompts.face_color, expected)
    assert [str(symbol) for symbol in prompts.symbol] == ["disc", "disc", "x"]


def test_colour_is_that_of_the_labels_layer(ours) -> None:
    labels, _ = ours
    assert color_of(labels, 3) == pytest.approx(tuple(labels.get_color(3)))
    labels.show_selected_label = True  # hides the others, but they keep their colour
    assert color_of(labels, 3)[3] == 1


def test_full_resolution_of_a_multiscale_image_is_its_first_level() -> None:
    full = np.zeros((64, 64))
    image = Image([full, full[::2, ::2]], multiscale=True)
    assert full_resolution(image).shape == (64, 64)
    assert full_resolution(Image(full)) is full
