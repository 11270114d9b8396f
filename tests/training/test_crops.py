from __future__ import annotations

import math

import numpy as np
import torch

from napari_sam2.training.crops import Placement, cut, place, visible_objects


def _plane() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.zeros((80, 96), np.int32)
    labels[10:30, 12:40] = 1
    labels[40:70, 50:80] = 2
    return rng.random((1, 80, 96), np.float32), labels


def test_an_upright_crop_is_a_slice() -> None:
    image, labels = _plane()
    centre = (10 + 15.5, 20 + 15.5)
    pixels, ids = cut(image, labels[None], Placement(32, 1.0, centre, 0.0, False))
    np.testing.assert_allclose(pixels[0].numpy(), image[0, 10:42, 20:52], atol=1e-4)
    np.testing.assert_array_equal(ids[0].numpy(), labels[10:42, 20:52])


def test_a_mirrored_quarter_turn_moves_image_and_labels_alike() -> None:
    image, labels = _plane()
    placement = Placement(32, 1.0, (25.5, 35.5), math.pi / 2, True)
    pixels, ids = cut(image, labels[None], placement)
    part, part_labels = image[0, 10:42, 20:52], labels[10:42, 20:52]
    # of the eight ways to lay a square, the same one fits the image and the labels, and it is not the upright one
    ways = [(k, f) for k in range(4) for f in (False, True)]

    def laid(a: np.ndarray, k: int, f: bool) -> np.ndarray:
        return np.rot90(a[:, ::-1] if f else a, k)

    fits = [w for w in ways if np.allclose(laid(part, *w), pixels[0].numpy(), atol=1e-3)]
    assert len(fits) == 1
    assert fits[0] != (0, False)
    np.testing.assert_array_equal(laid(part_labels, *fits[0]), ids[0].numpy())


def test_random_crops_stay_inside_and_show_an_object() -> None:
    _, labels = _plane()
    rng = np.random.default_rng(1)
    inside = (labels + 1)[None]  # 0 would be from outside
    seen = 0
    for _ in range(60):
        placement = place(labels, 32, rng)
        reach = (
            32
            / placement.zoom
            / 2
            * (abs(math.cos(placement.angle)) + abs(math.sin(placement.angle)))
        )
        for centre, size in zip(placement.centre_yx, labels.shape, strict=True):
            assert -0.51 <= centre - reach
            assert centre + reach <= size - 0.49
        _, ids = cut(inside.astype(np.float32), inside, placement)
        assert ids.min() >= 1
        seen += bool(visible_objects(ids[0] - 1).size)
    assert seen >= 50


def test_objects_are_scaled_to_the_crop() -> None:
    labels = np.zeros((400, 400), np.int32)
    labels[150:250, 150:250] = 1  # a diameter of 113 pixels
    rng = np.random.default_rng(0)
    zooms = np.array([place(labels, 128, rng).zoom for _ in range(200)])
    diameters = zooms * 2 * math.sqrt(100 * 100 / math.pi)
    assert 25 < np.median(diameters) < 50
    assert diameters.min() >= 8
    assert diameters.max() <= 91


def test_small_objects_are_not_asked_for() -> None:
    labels = torch.zeros(16, 16, dtype=torch.int32)
    labels[:6, :6] = 3
    labels[10, 10] = 7
    assert visible_objects(labels).tolist() == [3]
