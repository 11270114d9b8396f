"""Batches: crops with the objects that are asked for, from the pools of drawn images."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_sam2.training.augment import normalise, vary
from napari_sam2.training.crops import MIN_AREA, cut, place, visible_objects
from napari_sam2.training.pool import Drawn

__all__ = ["Batch", "Images", "make_batch"]

_TRIES = 8
FRAMES = 4
"""Frames of a clip that are trained on at once, unless more are asked for."""


class Images(Protocol):
    """Where drawn images come from."""

    @property
    def folder(self) -> Path:
        """Where to look at them."""

    def get(self, index: int) -> Drawn:
        """Return one of them."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops of one side, and R objects in them.

    Parameters
    ----------
    images : Tensor
        (T, B, 3, side, side) float32, normalised; T is 1 for planes.
    crop_of_row : Tensor
        (R,) int64: the crop of each object.
    truth : ndarray of bool
        (T, R, side, side); all False where the object is absent.
    background : ndarray of bool
        (R, side, side): pixels of the first frame that belong to no object, for the rows that ask for nothing.
    """

    images: Tensor
    crop_of_row: Tensor
    truth: npt.NDArray[np.bool_]
    background: npt.NDArray[np.bool_]


def make_batch(
    pool: Images,
    available: int,
    rng: np.random.Generator,
    *,
    crops: int,
    objects: int,
    side: int,
    frames: int = FRAMES,
    empty_share: float = 0.0,
    varied: bool = True,
) -> Batch:
    """Draw a batch.

    Parameters
    ----------
    pool : Images
        Drawn images.
    available : int
        Images 0 to ``available`` - 1 are used; the newest quarter gives half of the crops.
    rng : numpy.random.Generator
        Source of chance.
    crops, objects, side : int
        Number of crops, objects in each, and side in pixels (a multiple of 32).
    frames : int
        Most frames of each crop.
    empty_share : float
        Share of the rows that ask for background.
    varied : bool
        Whether the looks are varied (not so for validation).
    """
    images, truths, backgrounds = [], [], []
    for _ in range(crops):
        pixels, labels = _crop_with_objects(pool, available, rng, side, frames)
        # grey frames -> (T, 3, side, side)
        looks = vary(pixels, rng) if varied else pixels.expand(-1, 3, -1, -1)
        images.append(looks)
        truths.append(_draw_objects(labels, objects, rng))
        backgrounds.append(np.repeat(labels[:1].numpy() == 0, objects, 0))
    truth, background = np.concatenate(truths, 1), np.concatenate(backgrounds)
    asks_nothing = (rng.random(truth.shape[1]) < empty_share) & (background.sum((1, 2)) > MIN_AREA)
    truth[:, asks_nothing] = False
    stacked = normalise(torch.stack(images, 1))  # B of (T, 3, side, side) -> (T, B, 3, side, side)
    rows = torch.arange(crops).repeat_interleave(objects)
    return Batch(stacked, rows, truth, background)


def _crop_with_objects(
    pool: Images, available: int, rng: np.random.Generator, side: int, most: int
) -> tuple[Tensor, Tensor]:
    """Return a crop (T, channel, side, side) and its labels, with at least one visible object on its first frame."""
    for _ in range(_TRIES):
        image, labels = _pick(pool, available, rng)
        if rng.random() < 0.5:
            image, labels = image[::-1], labels[::-1]  # time has no direction here
        image, labels = _some_frames(image, labels, rng, most)
        if not labels[0].any():
            continue
        frames, channels = image.shape[:2]
        placement = place(labels[0], side, rng)
        # (T, channel, y, x) -> (T channel, y, x) and back
        pixels, ids = cut(image.reshape(-1, *image.shape[2:]), labels, placement)
        if visible_objects(ids[0]).size:
            return pixels.reshape(frames, channels, side, side), ids
    raise RuntimeError(
        f"no object of {MIN_AREA} pixels was found in {_TRIES} drawn images; look at the images in {pool.folder}."
    )


def _some_frames(
    image: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int32],
    rng: np.random.Generator,
    most: int,
) -> Drawn:
    """Choose up to ``most`` frames of a clip, in order: one time in three neighbours, else with gaps, so that more ends."""
    count = len(image)
    if count <= most:
        return image, labels
    if rng.random() < 1 / 3:
        at = int(rng.integers(count - most + 1)) + np.arange(most)
    else:
        at = np.sort(rng.permutation(count)[:most])
    return image[at], labels[at]


def _pick(pool: Images, available: int, rng: np.random.Generator) -> Drawn:
    newest = available - max(1, available // 4) if rng.random() < 0.5 else 0
    return pool.get(int(rng.integers(newest, available)))


def _draw_objects(labels: Tensor, count: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return the masks (T, count, side, side) of random objects of the first frame, different ones if possible."""
    ids = visible_objects(labels[0])
    chosen = rng.permutation(ids)[:count]
    if chosen.size < count:
        chosen = np.concatenate([chosen, rng.choice(ids, count - chosen.size)])
    # (T, 1, side, side) against (1, count, 1, 1)
    return np.asarray(labels.numpy()[:, None] == chosen[None, :, None, None], np.bool_)
