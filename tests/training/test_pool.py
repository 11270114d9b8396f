from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_sam2.training.pool import Draw, Pool, draw_training_clip, draw_training_plane

if TYPE_CHECKING:
    from pathlib import Path


def test_images_are_drawn_once_and_kept(tmp_path: Path, discs: Draw) -> None:
    drawn = []

    def draw(index: int) -> tuple[np.ndarray, np.ndarray]:
        drawn.append(index)
        return discs(index)

    image, labels = Pool(tmp_path, draw, workers=0).get(3)
    again, same_labels = Pool(tmp_path, draw, workers=0).get(3)
    assert drawn == [3]
    np.testing.assert_array_equal(image, again)
    np.testing.assert_array_equal(labels, same_labels)
    np.testing.assert_allclose(image, discs(3)[0], atol=1e-3)
    np.testing.assert_array_equal(labels, discs(3)[1])


def test_a_process_draws_ahead(tmp_path: Path) -> None:
    pool = Pool(tmp_path, draw_training_plane, workers=1, ahead=1)
    try:
        pool.want(1)
        image, labels = pool.get(1)
    finally:
        pool.close()
    assert image.shape[0] == 1
    assert image.shape[2:] == labels.shape[1:] == (256, 256)
    assert labels.max() > 0
    assert 0 <= image.min() < image.max() <= 1


def test_a_drawing_process_that_dies_is_reported(tmp_path: Path) -> None:
    pool = Pool(tmp_path, operator.neg, workers=1)  # draws a number, which is no image
    try:
        pool.want(1)
        with pytest.raises(RuntimeError, match="exit code 1"):
            pool.get(0)
    finally:
        pool.close()


def test_clips_have_frames_and_lasting_objects() -> None:
    image, labels = draw_training_clip(0)
    assert image.shape[0] == labels.shape[0] == 8
    assert np.intersect1d(labels[0], labels[1]).size > 1
