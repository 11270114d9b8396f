from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from skimage.io import imread

from napari_sam2.cli.overlay import GAMMA, PALETTE, Picture, colours_of, draw_overlay, save_png
from napari_sam2.errors import StackError
from napari_sam2.prompts import Box, Point

if TYPE_CHECKING:
    from pathlib import Path

GREY = 0.2


def plain(frame: int) -> np.ndarray:
    return np.full((40, 60, 3), GREY, np.float32)


def near(image: np.ndarray, colour: tuple[int, ...], tolerance: int = 12) -> np.ndarray:
    return (np.abs(image.astype(int) - colour) <= tolerance).all(axis=-1)


def test_colours_differ() -> None:
    colours = colours_of([9, 4, 70])
    assert list(colours) == [4, 9, 70]
    assert len(set(colours.values())) == 3
    table = np.array(PALETTE, float)
    distances = np.linalg.norm(table[:, None] - table[None], axis=-1) + 1e3 * np.eye(len(table))
    assert distances.min() > 50


def test_every_object_is_outlined_in_its_colour() -> None:
    labels = np.zeros((1, 40, 60), int)
    labels[0, 5:20, 5:20] = 1
    labels[0, 10:30, 35:55] = 2
    image = draw_overlay(Picture(plain, labels, {1: [], 2: []}))
    assert image.dtype == np.uint8
    first, second = (near(image, colour) for colour in colours_of([1, 2]).values())
    assert first.sum() > 100
    assert second.sum() > 100
    assert first.nonzero()[1].max() < second.nonzero()[1].min()
    # the inside is tinted but shows the image, the outside is as it was
    assert near(image, (round(255 * GREY**GAMMA),) * 3, 2).mean() > 0.4
    scale = (first.nonzero()[1].max() - first.nonzero()[1].min() + 1) / 15
    second_width = second.nonzero()[1].max() - second.nonzero()[1].min() + 1
    assert second_width == pytest.approx(20 * scale, rel=0.05)


def test_slices_are_spread_over_the_frames_with_objects() -> None:
    labels = np.zeros((50, 40, 60), int)
    labels[20:41, 10:30, 10:30] = 3
    shown: list[int] = []

    def look(frame: int) -> np.ndarray:
        shown.append(frame)
        return plain(frame)

    draw_overlay(Picture(look, labels, {3: [Point(30, (20, 20))]}))
    assert len(shown) == 12
    assert shown[0] == 20
    assert shown[-1] == 40
    assert np.diff(shown).min() >= 1


def test_points_boxes_and_truth_are_drawn() -> None:
    nothing = np.zeros((1, 40, 60), int)
    truth = nothing.copy()
    truth[0, 8:32, 8:52] = 1
    bare = draw_overlay(Picture(plain, nothing, {}))
    assert not near(bare, (255, 255, 255), 130).any()
    for prompts, known in (
        ([Point(0, (20, 30))], None),
        ([Box(0, (10, 10), (30, 50))], None),
        ([], truth),
    ):
        image = draw_overlay(Picture(plain, nothing, {1: prompts}, known))
        assert near(image, (255, 255, 255), 130).sum() > 20
    image = draw_overlay(Picture(plain, nothing, {1: [Point(0, (20, 30), positive=False)]}))
    assert near(image, (0, 0, 0)).sum() > 10


def test_a_point_is_drawn_where_it_was_clicked() -> None:
    labels = np.zeros((1, 40, 60), int)
    labels[0, 10:31, 20:41] = 1
    point = Point(0, (13.0, 36.0))
    image = draw_overlay(Picture(plain, labels, {1: [point]}))
    rows, columns = near(image, colours_of([1])[1]).nonzero()
    dots = near(image, (255, 255, 255)).nonzero()
    for place, line, start, at in ((dots[0], rows, 10, 13), (dots[1], columns, 20, 36)):
        low, high = line.min(), line.max()  # the outline of 21 data pixels
        expected = low + (at - start + 0.5) / 21 * (high - low)
        assert place.mean() == pytest.approx(expected, abs=1.5)


def test_a_prompt_far_from_the_objects_is_in_the_picture() -> None:
    labels = np.zeros((1, 400, 400), int)
    labels[0, :20, :20] = 1

    def dark(frame: int) -> np.ndarray:
        return np.zeros((400, 400, 3), np.float32)

    for prompt in (Point(0, (390, 200)), Box(0, (300, 180), (390, 220))):
        image = draw_overlay(Picture(dark, labels, {1: [prompt]}))
        assert near(image, (255, 255, 255), 40).any()


def test_frames_are_numbered() -> None:
    labels = np.zeros((30, 40, 60), int)
    labels[7:9] = 1
    image = draw_overlay(Picture(lambda f: np.zeros((40, 60, 3)), labels, {1: []}))
    ink = near(image[:30, :20], (255, 255, 255))
    digits = [row.astype(int) for row in ink[12:27:3, 12:21:3]]
    assert np.array_equal(digits, [[1, 1, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]])


def test_nothing_at_all_is_a_picture_too() -> None:
    image = draw_overlay(Picture(plain, np.zeros((3, 40, 60), int), {}))
    assert image.shape[2] == 3


def test_save(tmp_path: Path) -> None:
    image = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
    save_png(tmp_path / "a.png", image)
    np.testing.assert_array_equal(imread(tmp_path / "a.png"), image)
    with pytest.raises(StackError, match=r"a.png cannot be written .*; free some space"):
        save_png(tmp_path / "nowhere" / "a.png", image)
