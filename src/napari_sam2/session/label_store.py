"""Where the label image lies: in memory, or in a zarr store where it would not fit."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from napari_sam2.errors import SessionError
from napari_sam2.model.machine import available_memory

if TYPE_CHECKING:
    from napari_sam2.results import Window

__all__ = ["LabelStore", "new_store"]

_MEMORY_SHARE: Final = 4  # labels take at most this part of the memory that is left
_CHUNK_SIDE: Final = 512


class LabelStore(Protocol):
    """A label image (frame, y, x) that is read and written by windows."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(frame, y, x)."""

    @property
    def folder(self) -> Path | None:
        """Where it lies on disk."""

    @property
    def view(self) -> Any:
        """The live labels, array-like, for reading only."""

    def read(self, frame: int, window: Window) -> np.ndarray:
        """Return a copy of a window."""

    def write(self, frame: int, window: Window, labels: np.ndarray) -> np.ndarray:
        """Write a window and return it in the number type of the store."""


def new_store(shape: tuple[int, int, int], place: str | Path) -> LabelStore:
    """Make an empty label image.

    Parameters
    ----------
    shape : tuple of int
        (frame, y, x).
    place : {"auto", "memory"} or Path
        "memory": an array. "auto": an array if it takes less than a quarter of the memory that is left, else a temporary
        zarr store that goes with the session. A path: a zarr store in this folder, which must not exist yet or be empty,
        and which stays.

    Raises
    ------
    SessionError
        If the place is none of these, or something is there already.
    """
    if isinstance(place, Path):
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise SessionError(
                f"labels_store {place} exists and is not empty; choose a new folder for the labels."
            )
        return _OnDisk(shape, place)
    if place == "memory":
        return _InMemory(shape)
    if place != "auto":
        raise SessionError(
            f'labels_store {place!r} is unknown; use "auto", "memory" or the Path of a new folder.'
        )
    num_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(np.uint16).itemsize
    if num_bytes <= available_memory() // _MEMORY_SHARE:
        return _InMemory(shape)
    folder = Path(tempfile.mkdtemp(prefix="napari-sam2-labels-"))
    store = _OnDisk(shape, folder)
    weakref.finalize(store, shutil.rmtree, folder, ignore_errors=True)
    return store


class _InMemory:
    """An array of uint16, or uint32 once an id needs it; memory is taken where something is painted."""

    folder = None

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self._array: np.ndarray = np.zeros(shape, dtype=np.uint16)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def view(self) -> np.ndarray:
        view = self._array.view()
        view.setflags(write=False)
        return view

    def read(self, frame: int, window: Window) -> np.ndarray:
        y0, x0, y1, x1 = window
        return self._array[frame, y0:y1, x0:x1].copy()

    def write(self, frame: int, window: Window, labels: np.ndarray) -> np.ndarray:
        y0, x0, y1, x1 = window
        if labels.size and labels.max() > np.iinfo(self._array.dtype).max:
            self._array = self._array.astype(np.uint32)
        labels = labels.astype(self._array.dtype)
        self._array[frame, y0:y1, x0:x1] = labels
        return labels


class _OnDisk:
    """A zarr array of uint32: empty chunks take no room, and a window touches only the chunks it lies in."""

    def __init__(self, shape: tuple[int, int, int], folder: Path) -> None:
        import zarr

        self.folder: Path | None = folder
        chunks = (1, min(_CHUNK_SIDE, shape[1]), min(_CHUNK_SIDE, shape[2]))
        self._array: Any = zarr.create_array(
            folder, shape=shape, dtype="uint32", chunks=chunks, fill_value=0, overwrite=True
        )
        self.view: Any = zarr.open_array(folder, mode="r")

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._array.shape)

    def read(self, frame: int, window: Window) -> np.ndarray:
        y0, x0, y1, x1 = window
        return np.asarray(self._array[frame, y0:y1, x0:x1])

    def write(self, frame: int, window: Window, labels: np.ndarray) -> np.ndarray:
        y0, x0, y1, x1 = window
        labels = labels.astype(np.uint32)
        if labels.size:
            self._array[frame, y0:y1, x0:x1] = labels
        return labels
