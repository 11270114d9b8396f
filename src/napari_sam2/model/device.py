"""Where the network runs, in what precision, and how much memory is left there."""

from __future__ import annotations

import platform
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch

from napari_sam2.errors import DeviceError
from napari_sam2.model import machine

if TYPE_CHECKING:
    from napari_sam2.model.network import SAM2

__all__ = [
    "DeviceInfo",
    "Precision",
    "available_memory",
    "choose_device",
    "choose_precision",
    "copy_to_processor",
    "describe_devices",
    "is_bfloat16_fast",
    "require_memory",
]

_BFLOAT16_UNITS = frozenset({"avx512_bf16", "amx_bf16"})

Precision: TypeAlias = Literal["float32", "bfloat16"]


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """One device of this machine, for a bug report.

    Parameters
    ----------
    device : str
        What ``load_model(device=...)`` takes.
    name : str
        The maker's name of it.
    total_memory, available_memory : int
        Bytes.
    precision : {"float32", "bfloat16"}
        What ``precision="auto"`` means there.
    is_default : bool
        Whether ``device="auto"`` means this one.
    """

    device: str
    name: str
    total_memory: int
    available_memory: int
    precision: Precision
    is_default: bool


def choose_device(device: str | torch.device = "auto") -> torch.device:
    """Find the device that a user means.

    Parameters
    ----------
    device : str or torch.device
        "auto" (CUDA, then MPS, then the CPU), "cpu", "cuda", "cuda:<index>" or "mps".

    Returns
    -------
    torch.device
        With an index where the kind has several.

    Raises
    ------
    DeviceError
        If this machine does not offer it.
    """
    if device == "auto":
        return _best_device()
    try:
        asked = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise DeviceError(_no_such_device(device)) from error
    offered = {d.type: d for d in _devices()}
    if asked.type not in offered or (asked.type != "cuda" and (asked.index or 0) != 0):
        raise DeviceError(_no_such_device(device))
    if asked.type != "cuda":
        return torch.device(asked.type)
    index = torch.cuda.current_device() if asked.index is None else asked.index
    if index >= torch.cuda.device_count():
        raise DeviceError(_no_such_device(device))
    return torch.device("cuda", index)


def choose_precision(precision: str, device: torch.device) -> Precision:
    """Find the precision that a user means.

    Parameters
    ----------
    precision : str
        "auto" (bfloat16 where the device is fast at it, else float32), "float32" or "bfloat16".
    device : torch.device
        Where the network runs.

    Returns
    -------
    {"float32", "bfloat16"}

    Raises
    ------
    DeviceError
        If it is none of these.
    """
    if precision == "auto":
        return "bfloat16" if is_bfloat16_fast(device) else "float32"
    if precision == "float32":
        return "float32"
    if precision == "bfloat16":
        return "bfloat16"
    why = (
        "float16 overflows in this network and is very slow on a CPU; "
        if precision in ("float16", "half")
        else ""
    )
    raise DeviceError(
        f"precision {precision!r} is not offered: {why}use 'auto', 'float32' or 'bfloat16'."
    )


def copy_to_processor(model: SAM2) -> SAM2:
    """Return a copy of a network on the processor, made without taking memory where it is."""
    copy = type(model)(model.config).requires_grad_(False).train(model.training)
    copy.load_state_dict({name: value.cpu() for name, value in model.state_dict().items()})
    copy.name, copy.precision = model.name, choose_precision("auto", torch.device("cpu"))
    return copy


def is_bfloat16_fast(device: torch.device) -> bool:
    """Whether a device has arithmetic units for bfloat16.

    CUDA from compute capability 8 (Ampere); CPUs with avx512_bf16 or amx_bf16. Everything else,
    Apple's included, computes float32 at least as fast.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return not _BFLOAT16_UNITS.isdisjoint(_cpu_features())


def available_memory(device: torch.device) -> int:
    """Count the bytes that can still be taken on a device.

    On CUDA what torch keeps for reuse counts as free. On the CPU the limits of containers and
    batch systems count.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + kept)
    if device.type == "mps":  # shares the memory of the machine
        left = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        return max(0, min(int(left), machine.available_memory()))
    return machine.available_memory()


def require_memory(n_bytes: int, device: torch.device, what: str) -> None:
    """Refuse a task that does not fit, before it begins.

    Raises
    ------
    DeviceError
        With both numbers and a remedy.
    """
    left = available_memory(device)
    if n_bytes > left:
        raise DeviceError(
            f"{what} needs {_megabytes(n_bytes)} of memory on {device}, which has "
            f"{_megabytes(left)} left; close other programs, choose a smaller model, or another "
            f"device ({_offer()})."
        )


def describe_devices() -> tuple[DeviceInfo, ...]:
    """List the devices of this machine, the default one first."""
    default = choose_device("auto")
    devices = sorted(_devices(), key=lambda d: d != default)
    return tuple(
        DeviceInfo(
            device=str(d),
            name=_device_name(d),
            total_memory=_total_memory(d),
            available_memory=available_memory(d),
            precision=choose_precision("auto", d),
            is_default=d == default,
        )
        for d in devices
    )


def _devices() -> list[torch.device]:
    """List what torch can use here, best first."""
    found = []
    if torch.cuda.is_available():
        found += [torch.device("cuda", i) for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append(torch.device("mps"))
    return [*found, torch.device("cpu")]


def _best_device() -> torch.device:
    for device in _devices():
        if device.type == "cpu":
            break
        try:  # a graphics card too old for this torch is listed, but computes nothing
            torch.zeros(1, device=device).add(1).cpu()
        except RuntimeError as error:
            warnings.warn(f"{device} is not used, it fails: {error}", UserWarning, stacklevel=4)
        else:
            return device
    return torch.device("cpu")


def _no_such_device(device: str | torch.device) -> str:
    return (
        f"device {str(device)!r} is not on this machine, which has {_offer()}; use one of these, "
        "or 'auto'."
    )


def _offer() -> str:
    return ", ".join(repr(str(d)) for d in _devices())


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.0f} MB"


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return machine.cpu_name() or platform.processor() or platform.machine()


def _total_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory())
    return machine.total_memory()


def _cpu_features() -> set[str]:
    if hasattr(torch.cpu, "get_capabilities"):  # newer than the oldest torch that we support
        return {name for name, has in torch.cpu.get_capabilities().items() if has is True}
    return machine.cpu_flags()
