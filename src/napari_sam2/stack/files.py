"""Image files as stacks, and labels into files: all that is done with tifffile, zarr and scikit-image."""

from __future__ import annotations

import warnings
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sam2.errors import StackError
from napari_sam2.stack import ngff
from napari_sam2.stack.planes import Stack
from napari_sam2.stack.tiff import (
    check_complete,
    is_tiff,
    missing_planes,
    series_axes,
    series_scale,
    tiff_options,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from typing import Any

    import zarr

    from napari_sam2.stack.labels import LabelPlanes
    from napari_sam2.stack.planes import ArrayLike

__all__ = ["open_stack", "write_tiff", "write_zarr"]

READABLE = "TIFF, OME-Zarr (0.1 to 0.5), zarr, PNG, JPEG, GIF, BMP and WebP can be read"
PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM")
CHUNK_SIDE = 1024


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    """What a file holds: an array, its axes (None if the file does not say), its scale."""

    array: ArrayLike
    axes: str | tuple[str, ...] | None
    scale: Mapping[str, float | None]


def open_stack(
    path: str | os.PathLike[str],
    axes: str | Sequence[str] | None = None,
    *,
    propagation_axis: str | None = None,
    position: Mapping[str, int] | None = None,
    channels: int | Sequence[int] | None = None,
    series: int = 0,
) -> Stack:
    """Open an image file as a stack; planes are read when they are asked for.

    Parameters
    ----------
    path : path
        - TIFF (also ImageJ, OME, BigTIFF, and formats built on it such as LSM): mapped into memory where it is
          uncompressed and contiguous, else decoded page by page; the full resolution of a pyramid.
        - A folder of OME-Zarr (0.1 to 0.5; the full resolution) or zarr (2 or 3).
        - PNG, JPEG, GIF, BMP, WebP: read at once.
    axes : str or sequence of str, optional
        In place of what the file says; see `Stack.from_array`.
    propagation_axis, position, channels
        See `Stack.from_array`.
    series : int
        Which image of a file with several (TIFF series, or images of a converted OME-Zarr).

    Returns
    -------
    Stack
        ``stack.scale`` has the voxel size in micrometres and the time step in seconds, where known.

    Raises
    ------
    StackError
        If there is no such file, or it is no image, damaged, incomplete, or needs a decoder that is not installed.
    AxisError
        If axes, position or channels do not fit.
    """
    path = Path(path).expanduser()
    opened = _open(path, series)
    try:
        return Stack.from_array(
            opened.array,
            opened.axes if axes is None else axes,
            propagation_axis=propagation_axis,
            position=position,
            channels=channels,
            scale=opened.scale,
            source=str(path),
        )
    except StackError as error:
        raise type(error)(f"{path}: {error}") from error


def _open(path: Path, series: int) -> _Opened:
    """Open a file or folder by what it is, whatever its name."""
    try:
        if path.is_dir():
            return _open_zarr(path, series)
        with path.open("rb") as file:
            head = file.read(16)
        if not head:
            raise StackError(f"{path} is empty (0 bytes); {READABLE}: save or copy it again.")
        if is_tiff(head):
            return _open_tiff(path, series)
        if head.startswith(PICTURES) or (head[:4], head[8:12]) == (b"RIFF", b"WEBP"):
            return _open_picture(path, series)
    except FileNotFoundError as error:
        raise StackError(f"{path} does not exist; check the name and the folder.") from error
    except PermissionError as error:
        raise StackError(f"{path} may not be read; ask for the permission to read it.") from error
    raise StackError(f"{path} is not an image that we know (it begins {head!r}); {READABLE}.")


def _open_tiff(path: Path, index: int) -> _Opened:
    """Open one series of a TIFF file."""
    import tifffile

    check_complete(path)
    tif = None
    try:
        tif = tifffile.TiffFile(path)
        series = tif.series[_checked_series(path, index, len(tif.series))]
        missing = missing_planes(path, tif, series)
        axes, scale = series_axes(series), series_scale(tif, series, index)
        array = _mapped(path, tif, index) if series.dataoffset is not None else _paged(tif, series)
    except Exception as error:
        if tif is not None:
            tif.close()
        if isinstance(error, StackError):
            raise
        raise StackError(_undecodable(path, error)) from error
    if missing:
        warnings.warn(
            f"{path} lacks {missing} of its planes, which are read as zeros; look for the other "
            "files that belong to it.",
            UserWarning,
            stacklevel=4,
        )
    return _Opened(array, axes, scale)


def _checked_series(path: Path, index: int, count: int) -> int:
    """Return the number of an image that exists."""
    if not 0 <= index < count:
        raise StackError(
            f"series {index} is not in {path}, which has {count} image(s); count from 0 to "
            f"{count - 1}."
        )
    return index


def _mapped(path: Path, tif: Any, index: int) -> ArrayLike:
    """Map a series into memory."""
    import tifffile

    tif.close()
    array: ArrayLike = tifffile.memmap(path, series=index, level=0, mode="r")
    return array


def _paged(tif: Any, series: Any) -> ArrayLike:
    """Look at a series as an array whose chunks are pages; the file closes with the array."""
    import zarr

    series.keyframe.asarray()  # fails now, and not at the first frame, where no decoder is at hand
    array = zarr.open_array(series.aszarr(level=0, chunkmode="page"), mode="r")
    weakref.finalize(array, tif.close)
    return array


def _undecodable(path: Path, error: Exception) -> str:
    """Say why a TIFF file cannot be read."""
    if "imagecodecs" in str(error):
        return f"{path} needs a decoder that is not installed ({error}); pip install imagecodecs."
    return (
        f"{path} is damaged or not a TIFF image ({type(error).__name__}: {error}); check it in "
        "another program, or copy it again."
    )


def _open_picture(path: Path, index: int) -> _Opened:
    """Read a PNG, JPEG, GIF, BMP or WebP file."""
    from skimage import io

    _checked_series(path, index, 1)
    try:
        with path.open("rb") as file:  # by content: a name may have the wrong ending
            array = io.imread(file)
    except Exception as error:
        raise StackError(
            f"{path} is damaged ({type(error).__name__}: {error}); check it in another program, or "
            "copy it again."
        ) from error
    colours = array.ndim > 2 and array.shape[-1] <= 4
    names = "IYX" if array.ndim - colours == 3 else "YX"
    return _Opened(array, names + "S" * colours, {})


def _open_zarr(path: Path, series: int) -> _Opened:
    """Open a folder of zarr."""
    import zarr

    if not any((path / mark).is_file() for mark in ngff.MARKS):
        raise StackError(
            f"{path} is a folder without zarr data ({', '.join(ngff.MARKS)}); {READABLE}: give one "
            "of its files."
        )
    try:
        return _image_of(zarr.open(str(path), mode="r"), path, series)
    except StackError:
        raise
    except Exception as error:
        raise StackError(
            f"{path} is damaged or not zarr ({type(error).__name__}: {error}); copy it again, or "
            "open one of its arrays by its own path."
        ) from error


def _image_of(node: zarr.Array[Any] | zarr.Group, path: Path, series: int) -> _Opened:
    """Find the array of an image in zarr."""
    import zarr

    if isinstance(node, zarr.Array):
        _checked_series(path, series, 1)
        return _Opened(node, _dimensions(node), {})
    attributes = node.attrs.asdict()
    ome = ngff.ome_part(attributes)
    if {"bioformats2raw.layout"} & (ome.keys() | attributes.keys()):
        images = [name for name in node.group_keys() if name.isdigit()]
        _checked_series(path, series, len(images))
        return _image_of(node[str(series)], path / str(series), 0)
    if "plate" in ome or "well" in ome:
        raise StackError(
            f"{path} is a plate or well of many images; open one image by its path, for example "
            f"{path / ('A/1/0' if 'plate' in ome else '0')}."
        )
    _checked_series(path, series, 1)
    full = ngff.full_size(attributes, str(path))
    if full is not None:
        array = node[full.path]
        if not isinstance(array, zarr.Array):
            raise StackError(f"{path / full.path} is a group and no array; write the image again.")
        return _Opened(array, full.axes, full.scale)
    names = sorted(node.array_keys())
    if len(names) != 1:
        raise StackError(
            f"{path} is no OME-Zarr image and holds {len(names)} arrays ({', '.join(names)}); open "
            "one array by its path."
        )
    return _image_of(node[names[0]], path / names[0], 0)


def _dimensions(array: zarr.Array[Any]) -> tuple[str, ...] | None:
    """Return the names of an array's axes, if it has names that we know."""
    names = getattr(array.metadata, "dimension_names", None)
    return ngff.dimension_axes(names or array.attrs.get("_ARRAY_DIMENSIONS"))


def write_tiff(path: Path, planes: LabelPlanes, name: str) -> None:
    """Write labels to a TIFF file, plane by plane.

    Parameters
    ----------
    path : Path
        Where to write.
    planes : LabelPlanes
        In the order TZCYX.
    name : str
        What the file will be called; ``.ome.tif`` asks for OME's metadata.
    """
    import tifffile

    tifffile.imwrite(path, (plane for _, plane in planes), **tiff_options(planes, name))


def write_zarr(path: Path, planes: LabelPlanes, name: str) -> None:
    """Write labels to a folder of OME-Zarr 0.4, plane by plane.

    Parameters
    ----------
    path : Path
        Where to write.
    planes : LabelPlanes
        In the order TCZYX.
    name : str
        What the folder will be called.
    """
    import zarr

    group = zarr.create_group(
        str(path),
        zarr_format=2,
        attributes=ngff.label_attributes(name.split(".")[0], planes.axes, planes.scale),
    )
    array = group.create_array(
        "0",
        shape=planes.shape,
        chunks=tuple(
            min(size, CHUNK_SIDE) if axis in "YX" else 1
            for axis, size in zip(planes.axes, planes.shape, strict=True)
        ),
        dtype=planes.dtype,
        compressors=[{"id": "gzip", "level": 5}],  # every reader of zarr has it
        fill_value=0,
        chunk_key_encoding={"name": "v2", "separator": "/"},
    )
    for index, plane in planes:
        array[index] = plane
