"""Images of a set as TIFF files: the values as they are, one page per frame and channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_sam2.stack.tiff import ome_metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from napari_sam2.stack import Stack

__all__ = ["frame_axis", "scale_of", "stored_dtype", "write_image"]

CLASSIC_LIMIT: Final = 2**31
IN_OME: Final = ("u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8")
COLOURS: Final = 3


def frame_axis(stack: Stack) -> str:
    """Return the axis of the frames in a file: T for time, Z for all else."""
    return "T" if stack.propagation_axis == "T" else "Z"


def stored_dtype(stack: Stack) -> np.dtype[np.generic]:
    """Return the number type in the file: that of the stack; uint8 for bool, which TIFF packs into bits."""
    return np.dtype(np.uint8) if stack.dtype == bool else stack.dtype


def scale_of(stack: Stack, frames: Sequence[int]) -> dict[str, float]:
    """Return the known steps of the file, micrometres or seconds; that of the frames only if they are evenly spaced."""
    known = {axis: step for axis in "YX" if (step := stack.scale.get(axis))}
    step = stack.scale.get(stack.propagation_axis or "")
    gaps = set(np.diff(frames).tolist())
    if step and stack.propagation_axis in ("T", "Z") and len(gaps) == 1:
        known[frame_axis(stack)] = step * gaps.pop()
    return known


def write_image(path: Path, stack: Stack, frames: Sequence[int]) -> None:
    """Write some frames of a stack, losslessly (zlib).

    With OME's description where it knows the number type, else with tifffile's own. Colours (axis S) are interleaved, channels lie in
    pages of their own.

    Parameters
    ----------
    path : Path
        Where.
    stack : Stack
        Its channels are written, in its order.
    frames : sequence of int
        Which; read one by one.
    """
    import tifffile

    dtype = stored_dtype(stack)
    colours = stack.channel_axis == "S" and stack.n_channels == COLOURS
    channels = stack.n_channels > 1 and not colours
    axes = frame_axis(stack) + "C" * channels + "YX" + "S" * colours
    lengths = {"C": stack.n_channels, "S": stack.n_channels}
    lengths |= dict(zip("YX", stack.plane_shape, strict=True))
    shape = tuple(lengths.get(axis, len(frames)) for axis in axes)
    tifffile.imwrite(
        path,
        _pages(stack, frames, dtype, channels),
        shape=shape,
        dtype=dtype,
        ome=dtype.str[1:] in IN_OME,
        bigtiff=int(np.prod(shape)) * dtype.itemsize >= CLASSIC_LIMIT,
        photometric="rgb" if colours else "minisblack",
        compression="zlib",
        metadata=ome_metadata(axes, scale_of(stack, frames))
        if dtype.str[1:] in IN_OME
        else {"axes": axes},
    )


def _pages(
    stack: Stack, frames: Sequence[int], dtype: np.dtype[np.generic], channels: bool
) -> Iterator[np.ndarray]:
    """Yield what lies on each page of the file."""
    for frame in frames:
        plane = stack.plane(frame).astype(dtype, copy=False)
        if channels:
            yield from np.ascontiguousarray(np.moveaxis(plane, -1, 0))  # (y, x, c) -> (c, y, x)
        else:
            yield plane
