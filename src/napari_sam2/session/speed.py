"""How long a frame will take on this machine: an estimate before a model is loaded or even fetched.

Arithmetic of one frame (counted with `torch.utils.flop_counter` on the network itself) divided by what this machine reaches
on a matrix product and on attention, whichever is slower. Meant for a sentence like "about 3 s a frame", not for more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import torch
from torch.nn.functional import scaled_dot_product_attention

from napari_sam2.model.device import (
    DeviceInfo,
    Precision,
    choose_device,
    choose_precision,
    describe_devices,
)
from napari_sam2.model.hub import model_card

if TYPE_CHECKING:
    from collections.abc import Callable

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
        14.0, 10.0
    ),  # at 512 x 512; counted 8.8 and 6, but small layers are slower for their size
    "tiny": Work(292.4, _OFFICIAL_ATTENTION),
    "small": Work(360.1, _OFFICIAL_ATTENTION),
    "base_plus": Work(646.8, _OFFICIAL_ATTENTION),
    "large": Work(1822.8, _OFFICIAL_ATTENTION),
}
"""By the size in a model's name; the encoder at 1024 x 1024."""

_SHARES: Final = {"cpu": 0.85}  # of that speed, which the whole network reaches; tiny: 5.9 s at 127
_SHARE: Final = 0.35  # elsewhere, where small operations cost more than their arithmetic
_OVERHEAD_S: Final = 0.02
_SIDE: Final = 1024
_WIDTH: Final = 256  # of the memory attention
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
    # a file that does not say what it is: as slow as the smallest official one
    work = WORK[(model_card(name).network or "tiny").rpartition("hiera_")[2]]
    place = choose_device(device)
    speed = measure_throughput(str(place), choose_precision(precision, place))
    reached = _SHARES.get(place.type, _SHARE) * speed
    return _OVERHEAD_S + (work.encoder + n_objects * work.per_object) / reached


@lru_cache(maxsize=16)
def measure_throughput(device: str, precision: Precision) -> float:
    """Time a matrix product and attention on a device; takes about a tenth of a second, once.

    Returns
    -------
    float
        Of the slower one, in 1e9 operations a second.
    """
    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    place = torch.device(device)
    with torch.inference_mode():
        left = torch.ones(_SIDE, _SIDE, device=place, dtype=kind)
        right = left.clone()
        tokens = left[None, None, :, :_WIDTH]
        product = min(_time(lambda: left @ right) for _ in range(_ROUNDS))
        attention = min(
            _time(lambda: scaled_dot_product_attention(tokens, tokens, tokens))
            for _ in range(_ROUNDS)
        )
    return min(2e-9 * _SIDE**3 / product, 4e-9 * _SIDE**2 * _WIDTH / attention)


def _time(work: Callable[[], torch.Tensor]) -> float:
    begin = time.perf_counter()
    work().flatten()[0].item()  # waits until a graphics card is done
    return max(time.perf_counter() - begin, 1e-9)
