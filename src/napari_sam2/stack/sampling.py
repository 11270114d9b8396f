"""A small sample of a stack's values, to estimate their range from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_sam2.stack.planes import Stack

__all__ = ["Sample", "sample_values"]

MOST_PLANES = 16
MOST_VALUES = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Some values of a stack.

    Parameters
    ----------
    channels : tuple of ndarray of float64, shape (n,)
        The finite values, for each channel shown.
    frames : tuple of int
        The frames that were read.
    size : int
        How many values were looked at, all channels together.
    not_finite : int
        How many of them are NaN or infinite.
    """

    channels: tuple[np.ndarray, ...]
    frames: tuple[int, ...]
    size: int
    not_finite: int


def sample_values(
    stack: Stack, most_planes: int = MOST_PLANES, most_values: int = MOST_VALUES
) -> Sample:
    """Sample pixels on a regular grid of planes that are spread over a stack.

    Parameters
    ----------
    stack : Stack
        Planes are read one at a time.
    most_planes, most_values : int
        Bounds on the sample.

    Returns
    -------
    Sample
    """
    count = min(stack.n_frames, most_planes)
    frames = tuple(int(frame) for frame in np.linspace(0, stack.n_frames - 1, count).round())
    height, width = stack.plane_shape
    step = math.ceil(math.sqrt(height * width * stack.n_channels * count / most_values))
    start_y, start_x = (min(step // 2, side - 1) for side in (height, width))
    parts = [stack.plane(frame)[start_y::step, start_x::step].copy() for frame in frames]
    with np.errstate(over="ignore"):  # what float64 cannot hold becomes infinite
        values = np.stack(parts).astype(np.float64)
    values = values.reshape(-1, stack.n_channels)  # (plane, y, x[, c]) -> (n, c)
    finite = np.isfinite(values)
    channels = tuple(values[finite[:, c], c] for c in range(stack.n_channels))
    return Sample(channels, frames, values.size, int(values.size - np.count_nonzero(finite)))
