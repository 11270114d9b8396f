"""A network of a few thousand weights, and images that are drawn in a millisecond."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from napari_sam2.model.config import CONFIGS, ModelConfig
from napari_sam2.model.network import SAM2
from napari_sam2.training.initialise import initialise

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = ModelConfig(
    16,
    1,
    (1, 1, 1, 1),
    (2,),
    window_spec=(8, 4, 8, 4),
    background_size=(8, 8),
    d_model=64,
    memory_dim=16,
    memory_attention_layers=1,
    feedforward_dim=64,
)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small_name(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(CONFIGS, "small", SMALL)
    return "small"


@pytest.fixture
def small_net() -> SAM2:
    return initialise(SAM2(SMALL), 0)


def draw_discs(index: int, frames: int = 1, side: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """Six bright discs on a dark ground, which drift from frame to frame."""
    rng = np.random.default_rng(index)
    image = np.full((frames, 1, side, side), 0.1, np.float32)
    labels = np.zeros((frames, side, side), np.int32)
    y, x = np.mgrid[:side, :side]
    for object_id in range(1, 7):
        centre, radius, drift = (
            rng.uniform(10, side - 10, 2),
            rng.uniform(8, 14),
            rng.normal(0, 2, 2),
        )
        for t in range(frames):
            place = centre + drift * t
            disc = (y - place[0]) ** 2 + (x - place[1]) ** 2 < radius**2
            labels[t][disc] = object_id
            image[t, 0][disc] = 0.5 + 0.08 * object_id
    return image, labels


def draw_disc_clip(index: int) -> tuple[np.ndarray, np.ndarray]:
    return draw_discs(index, frames=4)


@pytest.fixture
def discs() -> object:
    return draw_discs


@pytest.fixture
def disc_clips() -> object:
    return draw_disc_clip
