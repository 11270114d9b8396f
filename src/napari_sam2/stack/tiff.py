"""What a TIFF file says of its axes and voxel size, whether all of it is there, and what ours say.

Nothing here opens a file with tifffile: its objects are handed in by `napari_sam2.stack.files`.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from napari_sam2.errors import StackError
from napari_sam2.stack.units import in_micrometres, in_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any, BinaryIO

    from napari_sam2.stack.labels import LabelPlanes

__all__ = [
    "check_complete",
    "is_tiff",
    "missing_planes",
    "ome_metadata",
    "series_axes",
    "series_scale",
    "tiff_options",
]

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
CLASSIC_LIMIT = 2**32
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
TYPE_BYTES |= {16: 8, 17: 8, 18: 8}  # BigTIFF
NEEDED_TAGS = frozenset({258, 270, 273, 279, 324, 325})
"""Bits per sample, description, offsets and sizes of strips, of tiles."""
IMAGEJ_CHANNELS = 7
IMAGEJ_LIMIT = 2**31
INCOMPLETE = (
    "the file is incomplete; copy it again from its source, or save it again in the program that "
    "wrote it."
)


def is_tiff(head: bytes) -> bool:
    """Tell from its first bytes whether a file is TIFF or BigTIFF."""
    return head[:4] in SIGNATURES


def check_complete(path: Path) -> None:
    """Walk the chain of pages, which tifffile cuts short without an error where the file ends.

    Source of the layout: TIFF revision 6.0, section 2, and the BigTIFF design by libtiff.

    Raises
    ------
    StackError
        If a page, or what it needs besides its pixels, lies beyond the end of the file.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        order = "<" if head[:2] == b"II" else ">"
        big = head[2:4] in (b"+\0", b"\0+")
        if size >= CLASSIC_LIMIT and not big:
            return  # offsets of 32 bits wrap around in such files, which tifffile sorts out
        if len(head) < (16 if big else 8):
            raise StackError(f"{path} ends within its header ({size} bytes); {INCOMPLETE}")
        (offset,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", head, 8 if big else 4)
        seen: set[int] = set()
        while offset and offset not in seen:
            seen.add(offset)
            following = _next_page(file, offset, size, order, big)
            if following is None:
                raise StackError(
                    f"{path} ends before its page {len(seen)} ({size} bytes, the page is at byte "
                    f"{offset}); {INCOMPLETE}"
                )
            offset = following


def _next_page(file: BinaryIO, offset: int, size: int, order: str, big: bool) -> int | None:
    """Return the offset of the page after one, 0 after the last; None if a page is incomplete."""
    count_format, tag_format, number = ("Q", "HHQQ", "Q") if big else ("H", "HHII", "I")
    head_bytes, tag_bytes = struct.calcsize(f"<{count_format}"), struct.calcsize(f"<{tag_format}")
    inline_bytes = struct.calcsize(f"<{number}")
    if offset + head_bytes > size:
        return None
    file.seek(offset)
    (count,) = struct.unpack(f"{order}{count_format}", file.read(head_bytes))
    if offset + head_bytes + count * tag_bytes + inline_bytes > size:
        return None
    tags = file.read(count * tag_bytes)
    for code, kind, length, start in struct.iter_unpack(f"{order}{tag_format}", tags):
        value_bytes = length * TYPE_BYTES.get(kind, 0)
        if code in NEEDED_TAGS and value_bytes > inline_bytes and start + value_bytes > size:
            return None
    (following,) = struct.unpack(f"{order}{number}", file.read(inline_bytes))
    return int(following)


def missing_planes(path: Path, tif: Any, series: Any) -> int:
    """Count the planes that an OME-TIFF speaks of and does not have; they are read as zeros.

    Raises
    ------
    StackError
        If the last plane is not wholly in the file.
    """
    declared = (tif.imagej_metadata or {}).get("images", 1) if tif.is_imagej else 1
    if declared > 1 and series.kind != "imagej":
        raise StackError(f"{path} holds fewer than its {declared} images; {INCOMPLETE}")
    try:
        last = series.pages[-1]
    except IndexError as error:
        raise StackError(f"{path} lacks pages of its shape {series.shape}; {INCOMPLETE}") from error
    if last is not None:
        size = last.parent.filehandle.size
        parts = zip(last.dataoffsets, last.databytecounts, strict=False)
        end = max((start + count for start, count in parts), default=0)
        if end > size:
            raise StackError(
                f"{path} ends before its last plane ({size} bytes, the plane ends at byte {end}); "
                f"{INCOMPLETE}"
            )
    if series.kind != "ome":
        return 0
    return sum(page is None for page in series.pages)


def series_axes(series: Any) -> str:
    """Return the axes of a series, where what tifffile says would mislead.

    - ImageJ shows at most seven channels, and none besides colours: more of them, in a stack without Z and T, are
      slices that were saved without saying so.
    - Three or four planes of more than 8 bits that tifffile has saved as colours, because nobody said otherwise, are
      planes along an unknown axis.
    """
    axes = str(series.axes)
    if series.kind == "imagej" and "C" in axes and not set(axes) & set("ZTIQ"):
        if "S" in axes or series.shape[axes.index("C")] > IMAGEJ_CHANNELS:
            return axes.replace("C", "Z")
    if series.kind == "shaped" and "SYX" in axes and series.dtype != np.uint8:
        return axes.replace("S", "Q")
    return axes


def series_scale(tif: Any, series: Any, index: int) -> dict[str, float | None]:
    """Return the voxel size, micrometres, and the time step, seconds, as far as the file says."""
    if series.kind == "ome":
        return _ome_scale(tif.ome_metadata or "", index)
    if series.kind == "imagej":
        return _imagej_scale(tif.imagej_metadata or {}, tif.pages.first.tags)
    return {}


def _ome_scale(xml: str, index: int) -> dict[str, float | None]:
    """Read the Pixels element of an image (OME-XML schema 2016-06)."""
    pixels = ElementTree.fromstring(xml).findall("{*}Image/{*}Pixels")
    attributes = pixels[index].attrib if index < len(pixels) else {}
    scale = {
        axis: in_micrometres(
            attributes.get(f"PhysicalSize{axis}"),
            attributes.get(f"PhysicalSize{axis}Unit", "um"),
        )
        for axis in "XYZ"
    }
    scale["T"] = in_seconds(
        attributes.get("TimeIncrement"), attributes.get("TimeIncrementUnit", "s")
    )
    return scale


def _imagej_scale(metadata: dict[str, Any], tags: Any) -> dict[str, float | None]:
    """Read ImageJ's description and the resolution, pixels per unit."""
    unit = str(metadata.get("unit", ""))
    scale = {
        "Z": in_micrometres(metadata.get("spacing"), unit),
        "T": in_seconds(metadata.get("finterval"), str(metadata.get("tunit", "s"))),
    }
    for axis in "XY":
        tag = tags.get(f"{axis}Resolution")
        pixels, length = (0, 0) if tag is None else tag.value
        scale[axis] = in_micrometres(length / pixels if pixels else None, unit)
    return scale


def tiff_options(planes: LabelPlanes, name: str) -> dict[str, Any]:
    """Choose how tifffile writes labels, as keywords of its ``imwrite``.

    ImageJ's metadata for 16 bits, as far as it can say the scale (it has one unit for all lengths); else OME's.
    """
    known = {axis: step for axis, step in planes.scale.items() if step}
    size = math.prod(planes.shape) * planes.dtype.itemsize
    imagej = (
        planes.dtype.itemsize == 2
        and size < IMAGEJ_LIMIT
        and not name.lower().endswith((".ome.tif", ".ome.tiff"))
        and ({"Y", "X"} <= known.keys() or not known.keys() - {"T"})
    )
    resolution = (1 / known["X"], 1 / known["Y"]) if imagej and "X" in known else None
    return {
        "shape": planes.shape,
        "dtype": planes.dtype,
        "imagej": imagej,
        "ome": not imagej,
        "bigtiff": size >= IMAGEJ_LIMIT,
        "photometric": "minisblack",
        "compression": "zlib",
        "resolution": resolution,
        "metadata": (_imagej_metadata if imagej else ome_metadata)(planes.axes, known),
    }


def _imagej_metadata(axes: str, known: Mapping[str, float]) -> dict[str, Any]:
    """Describe axes and scale for ImageJ."""
    metadata: dict[str, Any] = {"axes": axes}
    if "X" in known:
        metadata["unit"] = "um"
    if "Z" in known:
        metadata["spacing"] = known["Z"]
    if "T" in known:
        metadata["finterval"] = known["T"]
    return metadata


def ome_metadata(axes: str, known: Mapping[str, float]) -> dict[str, Any]:
    """Describe axes and scale, micrometres and seconds, for OME-TIFF: what tifffile takes as ``metadata``."""
    metadata: dict[str, Any] = {"axes": axes}
    for axis in known.keys() & set("XYZ"):
        metadata |= {f"PhysicalSize{axis}": known[axis], f"PhysicalSize{axis}Unit": "µm"}
    if "T" in known:
        metadata |= {"TimeIncrement": known["T"], "TimeIncrementUnit": "s"}
    return metadata
