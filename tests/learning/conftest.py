"""A kind of image that nano was never shown: rings whose hole is the object, and planes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from napari_sam2.learning import AnnotatedPlane, LearningSettings, Showing
from napari_sam2.model.load import load_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari_sam2.model.network import SAM2

SIDE = 160


def draw_rings(seed: int, count: int = 9, source: str = "rings") -> AnnotatedPlane:
    """Bright discs with a dark rim; the object is the disc WITH the rim and a halo around it, twice the bright disc."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[:SIDE, :SIDE]
    image = 0.35 + 0.03 * rng.standard_normal((SIDE, SIDE))
    labels = np.zeros((SIDE, SIDE), np.int32)
    places = [(28 + 52 * i, 28 + 52 * j) for i in range(3) for j in range(3)]
    for label, (y, x) in enumerate(places[:count], 1):
        y, x = y + rng.uniform(-4, 4), x + rng.uniform(-4, 4)
        radius = rng.uniform(7, 9)
        distance = np.hypot(yy - y, xx - x)
        image[distance < 2 * radius] -= 0.12
        image[distance < radius] += 0.5
        labels[distance < 2 * radius] = label
    pixels = np.repeat(np.clip(image, 0, 1)[..., None], 3, -1).astype(np.float32)
    return AnnotatedPlane(source, seed, pixels, labels, is_complete=True)


@pytest.fixture(scope="session")
def ring_plane() -> Callable[..., AnnotatedPlane]:
    """Draw a plane by its seed, with so many objects."""
    return draw_rings


@pytest.fixture(scope="session")
def nano() -> SAM2:
    """The bundled model; nothing here may change it."""
    return load_model("nano", device="cpu", precision="float32")


@pytest.fixture
def quick() -> LearningSettings:
    """A dozen steps, the same ones every time."""
    return LearningSettings(steps=12, showing=Showing(64, 3.0), crops=3)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Own models go to an empty folder."""
    monkeypatch.setenv("NAPARI_SAM2_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def nothing_global_changes() -> Iterator[None]:
    """Threads, gradient mode and random state are afterwards what they were."""
    before = (torch.get_num_threads(), torch.is_grad_enabled(), torch.random.get_rng_state())
    numpy_state = np.random.get_state()[1].copy()
    yield
    assert torch.get_num_threads() == before[0]
    assert torch.is_grad_enabled() is before[1]
    assert torch.equal(torch.random.get_rng_state(), before[2])
    assert (np.random.get_state()[1] == numpy_state).all()
