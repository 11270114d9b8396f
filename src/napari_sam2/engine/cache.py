"""A cache of tensors, bounded in bytes: memory first, then disk, then forgotten."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["TensorCache"]


@dataclass(frozen=True, slots=True)
class _Spilled:
    """Where an entry lies on disk, and what it takes to bring it back."""

    path: Path
    layout: tuple[tuple[torch.Size, torch.dtype, torch.device], ...]
    num_bytes: int


class TensorCache:
    """Least recently used entries leave first.

    What is cached here can always be made again from prompts and masks, so nothing is lost when it goes.

    Parameters
    ----------
    memory_bytes : int
        Held in memory at most.
    disk_bytes : int
        Held in a temporary folder at most; 0 keeps nothing on disk. The folder goes with the cache.
    """

    def __init__(self, memory_bytes: int, disk_bytes: int = 0) -> None:
        self.memory_bytes = memory_bytes
        self.disk_bytes = disk_bytes
        self._held: OrderedDict[Hashable, tuple[Tensor, ...]] = OrderedDict()
        self._spilled: OrderedDict[Hashable, _Spilled] = OrderedDict()
        self._held_bytes = 0
        self._spilled_bytes = 0
        self._serial = 0
        self._folder: Path | None = None

    def __contains__(self, key: Hashable) -> bool:
        return key in self._held or key in self._spilled

    def __len__(self) -> int:
        return len(self._held) + len(self._spilled)

    @property
    def held_bytes(self) -> int:
        """Bytes in memory now."""
        return self._held_bytes

    @property
    def spilled_bytes(self) -> int:
        """Bytes on disk now."""
        return self._spilled_bytes

    def get(self, key: Hashable) -> tuple[Tensor, ...] | None:
        """Return the tensors of a key, or None; from now on they count as just used."""
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        spilled = self._spilled.pop(key, None)
        if spilled is None:
            return None
        self._spilled_bytes -= spilled.num_bytes
        tensors = _read(spilled)
        spilled.path.unlink()
        self.put(key, *tensors)
        return tensors

    def put(self, key: Hashable, *tensors: Tensor) -> None:
        """Keep tensors under a key, in place of what was there."""
        self.discard(key)
        self._held[key] = tensors
        self._held_bytes += _num_bytes(tensors)
        while self._held_bytes > self.memory_bytes and self._held:
            old, leaving = self._held.popitem(last=False)
            self._held_bytes -= _num_bytes(leaving)
            self._spill(old, leaving)

    def discard(self, key: Hashable) -> None:
        """Forget a key; nothing happens if it is not there."""
        held = self._held.pop(key, None)
        if held is not None:
            self._held_bytes -= _num_bytes(held)
        spilled = self._spilled.pop(key, None)
        if spilled is not None:
            self._spilled_bytes -= spilled.num_bytes
            spilled.path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget everything."""
        for key in (*self._held, *self._spilled):
            self.discard(key)

    def _spill(self, key: Hashable, tensors: tuple[Tensor, ...]) -> None:
        num_bytes = _num_bytes(tensors)
        if num_bytes > self.disk_bytes:
            return
        while self._spilled_bytes + num_bytes > self.disk_bytes:
            self.discard(next(iter(self._spilled)))
        self._serial += 1
        path = self._spill_folder() / f"{self._serial}.bin"
        with path.open("wb") as file:
            for tensor in tensors:
                file.write(_as_bytes(tensor).tobytes())
        layout = tuple((t.shape, t.dtype, t.device) for t in tensors)
        self._spilled[key] = _Spilled(path, layout, num_bytes)
        self._spilled_bytes += num_bytes

    def _spill_folder(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="napari-sam2-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder


def _num_bytes(tensors: tuple[Tensor, ...]) -> int:
    return sum(t.numel() * t.element_size() for t in tensors)


def _as_bytes(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()


def _read(spilled: _Spilled) -> tuple[Tensor, ...]:
    flat = torch.from_numpy(np.fromfile(spilled.path, dtype=np.uint8))
    tensors, start = [], 0
    for shape, dtype, device in spilled.layout:
        end = start + shape.numel() * dtype.itemsize
        tensors.append(flat[start:end].clone().view(dtype).reshape(shape).to(device))
        start = end
    return tuple(tensors)
