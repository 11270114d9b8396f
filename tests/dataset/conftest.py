"""Small stacks with painted objects: what a session knows of them is exact, whatever the model does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_sam2 import MaskPrompt, Session, Stack, load_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sam2.model.network import SAM2

SHAPE = (6, 40, 48)


@pytest.fixture(scope="session")
def model() -> SAM2:
    return load_model("nano", device="cpu", precision="float32")


@pytest.fixture(scope="session")
def disk() -> Callable[..., np.ndarray]:
    def draw(y: float, x: float, radius: float = 7) -> np.ndarray:
        rows, columns = np.ogrid[: SHAPE[1], : SHAPE[2]]
        return np.hypot(rows - y, columns - x) <= radius

    return draw


@pytest.fixture(scope="session")
def image() -> Callable[..., np.ndarray]:
    """A noisy image, another one for every seed."""

    def draw(seed: int = 0, dtype: object = np.uint16, more: tuple[int, ...] = ()) -> np.ndarray:
        return np.random.default_rng(seed).integers(0, 250, (*SHAPE, *more)).astype(dtype)

    return draw


@pytest.fixture(scope="session")
def stack(image: Callable[..., np.ndarray]) -> Callable[..., Stack]:
    def make(seed: int = 0, dtype: object = np.uint16, axes: str = "ZYX") -> Stack:
        scale = {"Z": 2.0, "T": 30.0, "Y": 0.5, "X": 0.25}
        return Stack.from_array(image(seed, dtype), axes, scale=scale)

    return make


@pytest.fixture(scope="session")
def annotate(model: SAM2, disk: Callable[..., np.ndarray]) -> Callable[[Stack], Session]:
    """Objects 3 ("mother", frames 1 and 4) and 70000 (frame 4), painted by hand; 5 was removed."""

    def make(stack: Stack) -> Session:
        session = Session(stack, model)
        session.add_prompt(3, MaskPrompt(1, disk(12, 12)))
        session.add_prompt(3, MaskPrompt(4, disk(14, 13)))
        session.add_prompt(5, MaskPrompt(2, disk(20, 20)))
        session.remove_object(5)
        session.add_prompt(70000, MaskPrompt(4, disk(28, 34, 5)))
        session.rename(3, "mother")
        return session

    return make
