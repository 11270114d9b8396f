from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from napari_sam2.training.crops import MIN_AREA
from napari_sam2.training.pool import Draw, Pool
from napari_sam2.training.samples import make_batch

if TYPE_CHECKING:
    from pathlib import Path


def test_a_batch_of_clips(tmp_path: Path, disc_clips: Draw) -> None:
    pool = Pool(tmp_path, disc_clips, workers=0)
    batch = make_batch(pool, 5, np.random.default_rng(0), crops=3, objects=2, side=32)
    assert batch.images.shape == (4, 3, 3, 32, 32)
    assert batch.truth.shape == (4, 6, 32, 32)
    assert batch.crop_of_row.tolist() == [0, 0, 1, 1, 2, 2]
    assert (batch.truth[0].sum((1, 2)) >= MIN_AREA).all()
    assert not (batch.truth[0] & batch.background).any()


def test_masks_lie_on_their_objects(tmp_path: Path, discs: Draw) -> None:
    pool = Pool(tmp_path, discs, workers=0)
    rng = np.random.default_rng(0)
    batch = make_batch(pool, 5, rng, crops=4, objects=2, side=64, varied=False)
    for row, crop in enumerate(batch.crop_of_row):
        pixels = batch.images[0, crop, 0].numpy()
        truth = batch.truth[0, row]
        assert pixels[truth].mean() > pixels[batch.background[row]].mean() + 1


def test_the_same_chance_gives_the_same_batch(tmp_path: Path, discs: Draw) -> None:
    pool = Pool(tmp_path, discs, workers=0)
    a, b = (
        make_batch(pool, 5, np.random.default_rng(2), crops=2, objects=2, side=32) for _ in range(2)
    )
    assert torch.equal(a.images, b.images)
    np.testing.assert_array_equal(a.truth, b.truth)


def test_some_rows_ask_for_nothing(tmp_path: Path, discs: Draw) -> None:
    pool = Pool(tmp_path, discs, workers=0)
    rng = np.random.default_rng(0)
    batch = make_batch(pool, 5, rng, crops=8, objects=4, side=64, empty_share=0.5)
    empty = ~batch.truth[0].any((1, 2))
    assert 5 < empty.sum() < 27
    assert (batch.background[empty].sum((1, 2)) > MIN_AREA).all()


def test_images_without_objects_are_an_error(tmp_path: Path) -> None:
    def nothing(_: int) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((1, 1, 64, 64), np.float32), np.zeros((1, 64, 64), np.int32)

    with pytest.raises(RuntimeError, match="no object"):
        make_batch(
            Pool(tmp_path, nothing, workers=0),
            2,
            np.random.default_rng(0),
            crops=1,
            objects=1,
            side=32,
        )
