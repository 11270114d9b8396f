"""Which memories a frame attends to, and how the memories of several objects become one batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_sam2.model.config import MAX_POINTERS, NUM_MEMORIES
from napari_sam2.model.network import MemoryBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Memory", "MemoryChoice", "batch_memories", "choose_memories"]


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """One encoded frame of one object.

    Parameters
    ----------
    map : Tensor, (M, h, w)
        Memory map.
    pointer : Tensor, (D,)
        Object pointer.
    """

    map: Tensor
    pointer: Tensor


@dataclass(frozen=True, slots=True)
class MemoryChoice:
    """The frames that one frame of one object attends to.

    Parameters
    ----------
    maps : tuple of (int, int)
        Frame and age: 0 for prompted frames, else how many frames before.
    pointers : tuple of (int, int)
        Frame and distance in the direction of the pass.
    """

    maps: tuple[tuple[int, int], ...]
    pointers: tuple[tuple[int, int], ...]

    @property
    def frames(self) -> frozenset[int]:
        """All frames that are needed."""
        return frozenset(frame for frame, _ in (*self.maps, *self.pointers))


def choose_memories(
    frame: int, direction: int, prompted: Iterable[int], tracked: Iterable[int]
) -> MemoryChoice:
    """Choose memories as SAM 2 does.

    Parameters
    ----------
    frame : int
        That is to be tracked.
    direction : {1, -1}
        Of the pass.
    prompted : iterable of int
        Prompted frames; all give their maps, those that lie behind also their pointers.
    tracked : iterable of int
        Frames with a tracked mask; the 6 behind give maps, the 15 behind give pointers.

    Returns
    -------
    MemoryChoice

    References
    ----------
    Ravi et al. 2024, SAM 2, section 4 (memory bank).
    """
    others = set(tracked)
    prompted = sorted(set(prompted) - {frame})
    others.difference_update(prompted)
    maps = [(f, 0) for f in prompted]
    pointers = [(f, (frame - f) * direction) for f in prompted if (frame - f) * direction >= 0]
    for age in range(1, MAX_POINTERS):
        before = frame - age * direction
        if before in others:
            pointers.append((before, age))
            if age < NUM_MEMORIES:
                maps.append((before, age))
    return MemoryChoice(tuple(maps), tuple(pointers))


def batch_memories(
    choices: Sequence[MemoryChoice],
    memories: Sequence[dict[int, Memory]],
    n_frames: int,
    device: torch.device,
) -> MemoryBatch:
    """Stack the memories of several objects; where they differ in number, the shorter lists are padded.

    Parameters
    ----------
    choices : sequence of MemoryChoice
        One per object.
    memories : sequence of dict
        Per object, the memory of each frame in its choice.
    n_frames : int
        Of the stack; short stacks stretch the time encoding.
    device : torch.device
        Of the network.

    Returns
    -------
    MemoryBatch
    """
    maps = [[memory[f].map for f, _ in c.maps] for c, memory in zip(choices, memories, strict=True)]
    pointers = [
        [memory[f].pointer for f, _ in c.pointers]
        for c, memory in zip(choices, memories, strict=True)
    ]
    map_tensor, valid_maps = _pad(maps)
    pointer_tensor, valid_pointers = _pad(pointers, like=memories[0])
    return MemoryBatch(
        maps=map_tensor,
        map_age=_numbers([[age for _, age in c.maps] for c in choices], device),
        pointers=pointer_tensor,
        pointer_distance=_numbers([[d for _, d in c.pointers] for c in choices], device).float(),
        max_distance=min(n_frames, MAX_POINTERS) - 1,
        valid_maps=valid_maps,
        valid_pointers=valid_pointers,
    )


def _pad(
    rows: Sequence[Sequence[Tensor]], like: dict[int, Memory] | None = None
) -> tuple[Tensor, Tensor | None]:
    """Stack rows of tensors, (B, longest, ...); also tell which entries are real, None if all are."""
    longest = max(len(row) for row in rows)
    if longest == 0:
        assert like
        empty = next(iter(like.values())).pointer
        return empty.new_zeros(len(rows), 0, *empty.shape), None
    if all(len(row) == longest for row in rows):
        return torch.stack([torch.stack(list(row)) for row in rows]), None
    filler = torch.zeros_like(next(row for row in rows if row)[0])
    stacked = [torch.stack([*row, *[filler] * (longest - len(row))]) for row in rows]
    valid = [[i < len(row) for i in range(longest)] for row in rows]
    return torch.stack(stacked), torch.tensor(valid, device=filler.device)


def _numbers(rows: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    longest = max(len(row) for row in rows)
    padded = [[*row, *[0] * (longest - len(row))] for row in rows]
    return torch.tensor(padded, dtype=torch.long, device=device).reshape(len(rows), longest)
