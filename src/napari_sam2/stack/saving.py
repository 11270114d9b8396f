"""Save labels: what may be written where, and all of it or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_sam2.errors import StackError
from napari_sam2.stack.atomic import replacing
from napari_sam2.stack.files import write_tiff, write_zarr
from napari_sam2.stack.labels import label_planes
from napari_sam2.stack.ngff import folder_attributes, is_labels

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from napari_sam2.stack.planes import ArrayLike

__all__ = ["save_labels"]

TIFF_SUFFIXES = (".tif", ".tiff")
ZARR_SUFFIX = ".zarr"
TIFF_ORDER = "TZCYX"
ZARR_ORDER = "TCZYX"


def save_labels(
    path: str | os.PathLike[str],
    labels: ArrayLike,
    axes: str | Sequence[str],
    scale: Mapping[str, float | None] | None = None,
) -> None:
    """Write labels to a file, which appears complete or not at all.

    Parameters
    ----------
    path : path
        ``.tif`` or ``.tiff``: zlib; ImageJ's metadata for uint16, else (or if the name ends in
        ``.ome.tif``) OME's. ``.zarr``: OME-Zarr 0.4, which old and new readers know; the array "0"
        in chunks of one plane. A file is replaced; a folder only if it holds labels.
    labels : array-like of int or bool
        0 is background; read one plane at a time. Written as uint16 if all fit, else as uint32.
    axes : str or sequence of str
        One name per axis, such as "TYX"; see `Stack.label_axes`. They are written in the order of
        the format; an axis of unknown meaning (I, Q) as Z, or as T where there is a Z.
    scale : mapping of str to (float or None), optional
        Voxel size in micrometres and time step in seconds, by axis; see `Stack.scale`.

    Raises
    ------
    AxisError
        If the axes do not fit, or have no place in such a file.
    StackError
        If these are no labels, or the file cannot be written.
    """
    path = Path(path).expanduser()
    suffix = path.suffix.lower()
    if suffix not in (*TIFF_SUFFIXES, ZARR_SUFFIX):
        raise StackError(f"labels cannot be saved as {path.name!r}; end it in .tif or .zarr.")
    is_zarr = suffix == ZARR_SUFFIX
    _check_place(path, is_zarr)
    planes = label_planes(labels, axes, scale, ZARR_ORDER if is_zarr else TIFF_ORDER)
    try:
        with replacing(path) as new:
            (write_zarr if is_zarr else write_tiff)(new, planes, path.name)
    except OSError as error:
        raise StackError(
            f"{path} could not be written ({error}); free some space, or choose another folder."
        ) from error


def _check_place(path: Path, is_zarr: bool) -> None:
    """Refuse a place that does not exist, and to replace what may not be labels."""
    if not path.parent.is_dir():
        raise StackError(f"{path.parent} is not a folder; make it first, or choose another one.")
    if path.is_dir() and not (is_zarr and is_labels(folder_attributes(path))):
        raise StackError(
            f"{path} is a folder that does not hold labels, and is not replaced; choose another "
            "name, or remove it yourself."
        )
    if is_zarr and path.is_file():
        raise StackError(
            f"{path} is a file, and is not replaced by a folder; choose another name, or remove it "
            "yourself."
        )
