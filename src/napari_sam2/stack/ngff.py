"""OME-Zarr metadata, read and written by hand.

Source: the OME-NGFF specification, versions 0.4 and 0.5 (ngff.openmicroscopy.org), section "multiscales".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_sam2.errors import AxisError, StackError
from napari_sam2.stack.axes import axis_letter
from napari_sam2.stack.units import SPACE_UNIT, TIME_UNIT, in_micrometres, in_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

__all__ = [
    "MARKS",
    "FullSize",
    "dimension_axes",
    "folder_attributes",
    "full_size",
    "is_labels",
    "label_attributes",
    "ome_part",
]

MARKS = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
"""Files that tell a folder of zarr from others."""

VERSION = "0.4"
AXES_BEFORE_0_3 = ("t", "c", "z", "y", "x")


@dataclass(frozen=True, slots=True)
class FullSize:
    """Where the full resolution of an image is, and what it is.

    Parameters
    ----------
    path : str
        Of the array, in its group.
    axes : tuple of str
        Names, one per axis.
    scale : mapping of str to (float or None)
        By capital letter; micrometres or seconds, None where unknown.
    """

    path: str
    axes: tuple[str, ...]
    scale: Mapping[str, float | None]


def ome_part(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the OME attributes of a group: under "ome" since version 0.5, at the top before."""
    inner = attributes.get("ome")
    return inner if isinstance(inner, dict) else attributes


def full_size(attributes: Mapping[str, Any], name: str) -> FullSize | None:
    """Find the full resolution in the attributes of a group.

    Parameters
    ----------
    attributes : mapping
        Of the zarr group.
    name : str
        Of the image, for messages.

    Returns
    -------
    FullSize or None
        None if the group is not an OME-Zarr image.

    Raises
    ------
    StackError
        If it claims to be one and is not.
    """
    multiscales = ome_part(attributes).get("multiscales")
    if not multiscales:
        return None
    try:
        image = multiscales[0]
        axes = [_axis(axis) for axis in image.get("axes", AXES_BEFORE_0_3)]
        level = image["datasets"][0]
        steps = [1.0] * len(axes)
        for part in (level, image):
            for found in _scales(part):
                steps = [a * b for a, b in zip(steps, found, strict=True)]
        return FullSize(str(level["path"]), tuple(n for n, _ in axes), _known(axes, steps))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise StackError(
            f"{name} has OME-Zarr metadata that cannot be understood ({type(error).__name__}: "
            f"{error}); 'multiscales' must name axes and datasets: write the image again, or open "
            "one of its arrays by its own path."
        ) from error


def _axis(axis: Any) -> tuple[str, str]:
    """Return name and unit of an axis, a record since version 0.4 and a name before."""
    if isinstance(axis, str):
        return axis, ""
    return str(axis["name"]), str(axis.get("unit", ""))


def _scales(part: Mapping[str, Any]) -> list[list[float]]:
    """Return the scale transformations of a level or an image."""
    transformations = part.get("coordinateTransformations") or ()
    return [
        [float(step) for step in transformation["scale"]]
        for transformation in transformations
        if transformation.get("type") == "scale" and "scale" in transformation
    ]


def _known(axes: Sequence[tuple[str, str]], steps: Sequence[float]) -> dict[str, float | None]:
    """Return the steps that mean something: without a unit, a step of 1 only fills a gap."""
    scale: dict[str, float | None] = {}
    for (name, unit), step in zip(axes, steps, strict=True):
        convert, usual = (in_seconds, TIME_UNIT) if name == "t" else (in_micrometres, SPACE_UNIT)
        scale[name.upper()] = convert(step, unit or usual) if unit or step != 1 else None
    return scale


def dimension_axes(names: Any) -> tuple[str, ...] | None:
    """Return the names of an array's dimensions (zarr 3, xarray) if they are all axes that we know."""
    if not isinstance(names, (list, tuple)):
        return None
    try:
        return tuple(axis_letter(name) for name in names)
    except AxisError:
        return None


def folder_attributes(path: Path) -> Mapping[str, Any]:
    """Return the attributes of a folder of zarr 2 or 3, empty if there are none that can be read."""
    try:
        if (path / "zarr.json").is_file():
            text = (path / "zarr.json").read_text(encoding="utf-8")
            found = json.loads(text).get("attributes")
        else:
            found = json.loads((path / ".zattrs").read_text(encoding="utf-8"))
    except (OSError, ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


def is_labels(attributes: Mapping[str, Any]) -> bool:
    """Tell whether a group says that it holds labels."""
    return "image-label" in ome_part(attributes)


def label_attributes(name: str, axes: str, scale: Mapping[str, float | None]) -> dict[str, Any]:
    """Write the attributes of a group of labels with one array, "0"."""
    steps = {"type": "scale", "scale": [scale.get(axis) or 1.0 for axis in axes]}
    image = {
        "version": VERSION,
        "name": name,
        "axes": [_axis_record(axis, scale.get(axis) is not None) for axis in axes],
        "datasets": [{"path": "0", "coordinateTransformations": [steps]}],
    }
    return {"multiscales": [image], "image-label": {"version": VERSION}}


def _axis_record(axis: str, known: bool) -> dict[str, str]:
    """Describe one axis; a unit only where the step is known."""
    kind, unit = {"T": ("time", TIME_UNIT), "C": ("channel", "")}.get(axis, ("space", SPACE_UNIT))
    record = {"name": axis.lower(), "type": kind}
    return {**record, "unit": unit} if known and unit else record
