"""Where the pixels of our Labels layer lie: in memory, or in a temporary zarr store where they would not fit."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from typing import Any, Final

import numpy as np

__all__ = ["new_pixels", "put_back"]

_CHUNK_SIDE: Final = 512


def new_pixels(shape: tuple[int, ...], on_disk: bool) -> Any:
    """Make empty label pixels.

    Parameters
    ----------
    shape : tuple of int
        (..., y, x).
    on_disk : bool
        In a temporary folder, which goes when nobody holds the pixels any more.

    Returns
    -------
    ndarray of uint16 or zarr array of uint32
        Either takes memory, or room on the disk, only where something is painted.
    """
    if not on_disk:
        return np.zeros(shape, dtype=np.uint16)
    import zarr

    folder = tempfile.mkdtemp(prefix="napari-sam2-layer-")
    chunks = (*(1 for _ in shape[:-2]), *(min(_CHUNK_SIDE, side) for side in shape[-2:]))
    pixels = zarr.create_array(
        folder, shape=shape, dtype="uint32", chunks=chunks, fill_value=0, overwrite=True
    )
    weakref.finalize(pixels, shutil.rmtree, folder, ignore_errors=True)
    return pixels


def put_back(pixels: Any, index: Any, part: np.ndarray) -> None:
    """Write a part that was read and changed; in memory it is a view, and there already."""
    if not isinstance(pixels, np.ndarray):
        pixels[index] = part
