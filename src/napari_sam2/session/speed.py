"""How long a frame will take on this machine: an estimate before a model is loaded or even fetched.

Arithmetic of one frame (counted with `torch.utils.flop_counter` on the network itself) divided by what this machine reaches
on a matrix product. Meant for a sentence like "about 3 s a frame", not for more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import torch

from napari_sam2.model.device import (
    DeviceInfo,
    Precision,
    choose_device,
    choose_precision,
    describe_devices,
)
from napari_sam2.model.hub import model_card

__all__ = ["DeviceInfo", "describe_devices", "expected_seconds", "measure_throughput"]


@dataclass(frozen=True, slots=True)
class Work:
    """Arithmetic of a model, in units of 1e9 operations.

    Parameters
    ----------
    encoder : float
        To encode a plane, once for all objects.
    per_object : float
        Memory attention with a full memory bank, per object.
    """

    encoder: float
    per_object: float


_OFFICIAL_ATTENTION: Final = 400.0  # memory attention, values projected after attending
WORK: Final = {
    "nano": Work(
        20.0, 14.0
    ),  # at 512 x 512; counted 8.8 and 6, but small layers are slower for their size
    "tiny": Work(292.4, _OFFICIAL_ATTENTION),
    "small": Work(360.1, _OFFICIAL_ATTENTION),
    "base_plus": Work(646.8, _OFFICIAL_ATTENTION),
    "large": Work(1822.8, _OFFICIAL_ATTENTION),
}
"""By the size in a model's name; the encoder at 1024 x 1024."""

_SHARE: Final = 0.35  # of a matrix product's speed that the whole network reaches
_OVERHEAD_S: Final = 0.02
_SIDE: Final = 1024
_ROUNDS: Final = 3


def expected_seconds(
    name: str, device: str = "auto", precision: str = "auto", n_objects: int = 1
) -> float:
    """Estimate the seconds that one frame takes while objects are propagated.

    Parameters
    ----------
    name : str
        See `CARDS`; the model need not be here.
    device, precision : str
        As `load_model` takes them.
    n_objects : int
        Objects that are carried.

    Returns
    -------
    float
        The order of magnitude on a machine that has nothing else to do; a measured time is better.

    Raises
    ------
    CheckpointError
        If there is no such model.
    DeviceError
        If the machine has no such device or precision.
    """
    work = WORK[model_card(name).name.rpartition("hiera_")[2]]
    place = choose_device(device)
    speed = measure_throughput(str(place), choose_precision(precision, place))
    return _OVERHEAD_S + (work.encoder + n_objects * work.per_object) / (_SHARE * speed)


@lru_cache(maxsize=16)
def measure_throughput(device: str, precision: Precision) -> float:
    """Time a matrix product on a device, in 1e9 operations a second; takes about a tenth of a second, once."""
    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    place = torch.device(device)
    with torch.inference_mode():
        left = torch.ones(_SIDE, _SIDE, device=place, dtype=kind)
        right = left.clone()
        seconds = min(_time_product(left, right) for _ in range(_ROUNDS))
    return 2e-9 * _SIDE**3 / seconds


def _time_product(left: torch.Tensor, right: torch.Tensor) -> float:
    begin = time.perf_counter()
    product = left @ right
    product[0, 0].item()  # waits until a graphics card is done
    return max(time.perf_counter() - begin, 1e-9)
