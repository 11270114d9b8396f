"""How many threads a piece of work is worth."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_sam2.model.config import ModelConfig

__all__ = ["threads_for"]

_WORTH_A_POOL: Final = 150_000  # values of the first feature map: `nano` at 256 pixels has 131,072


@contextmanager
def threads_for(config: ModelConfig, side: int) -> Iterator[None]:
    """Work with one thread where more would not be faster.

    A small network spends its time between many short operations: a pool of threads that waits for each of them takes a second
    core and, where that core has something else to do (drawing a window), waits for it too. Measured on two cores: `nano`
    is as fast with one thread up to inputs of 256 pixels, and 1.4 times faster with two at 512. The number of threads is
    that of the calling thread, and is put back.

    Parameters
    ----------
    config : ModelConfig
        Of the network.
    side : int
        Of its square input, in pixels.
    """
    before = torch.get_num_threads()
    if before == 1 or (side // 4) ** 2 * config.embed_dim > _WORTH_A_POOL:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
