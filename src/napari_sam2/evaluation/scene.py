"""A set that is read: its image, its truth, and what follows from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np

from napari_sam2.stack import IntensityMap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sam2.stack import Stack

__all__ = ["Follow", "Planes", "Scene", "window_for"]

Follow: TypeAlias = Literal["no", "z", "t"]
"""What the frames of a set are: apart from each other, slices of a stack, or times."""

DIAMETERS = 4
"""Of the median object: the side of the window."""

WHOLE_FROM = 0.8
"""A window of this share of the longer side of the plane, or more, is the whole plane."""

SMALLEST_WINDOW = 32


class Planes(Protocol):
    """Planes by frame: an array (frame, y, x), or a list of planes."""

    def __getitem__(self, frame: int, /) -> Any:
        """Return the plane of a frame, (y, x)."""

    def __len__(self) -> int:
        """Count the frames."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A set that is read.

    Parameters
    ----------
    name : str
        Of the set.
    stack : Stack
        The image.
    truth : ndarray of int, (frame, y, x)
        The objects; 0 is background.
    follow : {"no", "z", "t"}
        What the frames are.
    planes : tuple of int
        Frames whose objects are clicked one by one.
    smallest : int
        Objects of fewer pixels on a plane are not clicked.
    smallest_volume : int
        Objects of fewer voxels are not carried.
    markers : ndarray of int, (frame, y, x), optional
        Places that stand for the objects in DET and TRA.
    parents : mapping of int to int
        Divisions, from child to parent.
    """

    name: str
    stack: Stack
    truth: np.ndarray
    follow: Follow
    planes: tuple[int, ...]
    smallest: int = 20
    smallest_volume: int = 100
    markers: np.ndarray | None = None
    parents: Mapping[int, int] = field(default_factory=dict)
    intensity: IntensityMap = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "intensity", IntensityMap.from_stack(self.stack))

    def objects_on(self, frame: int) -> list[int]:
        """Return the objects of a plane that are large enough to be clicked, ascending."""
        return sorted(i for i, area in _areas(self.truth[frame]).items() if area >= self.smallest)

    def middles(self) -> dict[int, int]:
        """Return the objects that can be carried, ascending, with the middle one of the frames on which each is clickable."""
        volumes: Counter[int] = Counter()
        clickable: dict[int, list[int]] = {}
        for frame, plane in enumerate(self.truth):
            areas = _areas(plane)
            volumes.update(areas)
            for i, area in areas.items():
                if area >= self.smallest:
                    clickable.setdefault(i, []).append(frame)
        return {
            i: frames[len(frames) // 2]
            for i, frames in sorted(clickable.items())
            if volumes[i] >= self.smallest_volume
        }

    def life(self, object_id: int) -> range:
        """Return the frames that count for an object: not those before its own birth or after its division.

        What a mask does there (it follows the mother, or a daughter) is no mistake in this object.
        """
        if not self.parents:
            return range(len(self.truth))
        frames = np.flatnonzero((self.truth == object_id).any(axis=(1, 2)))
        born = self.parents.get(object_id, 0) != 0
        divides = object_id in self.parents.values()
        return range(
            int(frames[0]) if born else 0, int(frames[-1]) + 1 if divides else len(self.truth)
        )

    def brightness(self, frame: int) -> np.ndarray:
        """Return a plane as it is shown, float32, (y, x, 3), 0 to 1."""
        return self.intensity(self.stack.plane(frame))


def _areas(plane: np.ndarray) -> dict[int, int]:
    """Return the pixels of every object of a plane."""
    labels, areas = np.unique(plane[plane > 0], return_counts=True)
    return dict(zip(labels.tolist(), areas.tolist(), strict=True))


def window_for(areas: list[int], plane_shape: tuple[int, int]) -> int | None:
    """Choose the side of the window: four median diameters of objects, given their areas; None for the whole plane."""
    if not areas:
        return None
    diameter = 2 * float(np.sqrt(np.median(areas) / np.pi))
    side = max(SMALLEST_WINDOW, round(DIAMETERS * diameter))
    return None if side >= WHOLE_FROM * max(plane_shape) else side
