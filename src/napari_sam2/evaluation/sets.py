"""Which sets there are, and reading them: a table of known ones, pairs of files in a folder, or one pair."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from napari_sam2.errors import StackError
from napari_sam2.evaluation.scene import Follow, Scene
from napari_sam2.stack import Stack, open_stack

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["EvaluationSet", "find_sets", "read_scene"]

TABLE = "sets.toml"
IMAGE, LABELS = "image", "labels"
ENDINGS = (".tif", ".tiff", ".zarr", ".png")


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """An image, its truth, and what to do with them.

    Parameters
    ----------
    name : str
        How tables call it.
    image, labels : Path
        Files of the same size; labels have 0 for background.
    follow : {"", "no", "z", "t"}
        What the frames are; "" for what the file says.
    planes : tuple of int
        Frames whose objects are clicked one by one; none means the middle one of a z-stack, the first one of all else.
    smallest, smallest_volume : int
        Objects of fewer pixels on a plane, or fewer voxels, are left out.
    tracks : Path or None
        Lines "label first last parent".
    markers : Path or None
        Labels that stand for the objects in DET and TRA.
    axes : str or None
        Of the image, in place of what the file says.
    channels : tuple of int
        Of the image, in the order of red, green, blue; none means its colours, else its first channel.
    """

    name: str
    image: Path
    labels: Path
    follow: Follow | str = ""
    planes: tuple[int, ...] = ()
    smallest: int = 20
    smallest_volume: int = 100
    tracks: Path | None = None
    markers: Path | None = None
    axes: str | None = None
    channels: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.follow not in ("", *get_args(Follow)):
            raise StackError(
                f"set {self.name!r} has follow = {self.follow!r}; use one of {get_args(Follow)}."
            )


def find_sets(folder: Path) -> list[EvaluationSet]:
    """Find the sets of a folder.

    Parameters
    ----------
    folder : Path
        With a sets.toml; or with the known sets; or with pairs of files image*.* and labels*.* in it or in its subfolders.

    Returns
    -------
    list of EvaluationSet
        Of a table, those whose files are there.

    Raises
    ------
    StackError
        If a table cannot be used, or there is no set.
    """
    own = folder / TABLE
    if own.is_file():
        found = _of_table(own.read_text(encoding="utf-8"), folder, str(own))
    else:
        known = files(__package__).joinpath(TABLE).read_text(encoding="utf-8")
        found = _of_table(known, folder, TABLE) or _pairs(folder)
    if not found:
        raise StackError(
            f"{folder} has no {TABLE}, none of the known sets and no pairs of image*.tif and "
            "labels*.tif; give an image and its --labels."
        )
    return found


def _of_table(text: str, folder: Path, source: str) -> list[EvaluationSet]:
    """Read a table; only sets whose image and labels exist."""
    known = {field.name for field in fields(EvaluationSet)}
    try:
        rows: list[dict[str, Any]] = tomllib.loads(text)["set"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise StackError(
            f"{source} is no table of sets ({error}); see docs/evaluation.md."
        ) from error
    found = []
    for row in rows:
        lacking, unknown = {"name", IMAGE, LABELS} - row.keys(), row.keys() - known
        if lacking or unknown:
            raise StackError(
                f"{source}: set {row.get('name')!r} lacks {sorted(lacking)}, and has unknown entries "
                f"{sorted(unknown)}; known ones are {sorted(known)}."
            )
        paths = {
            key: folder / row[key] for key in (IMAGE, LABELS, "tracks", "markers") if key in row
        }
        if paths[IMAGE].exists() and paths[LABELS].exists():
            numbers = {key: tuple(row.get(key, ())) for key in ("planes", "channels")}
            found.append(EvaluationSet(**{**row, **paths, **numbers}))
    return found


def _pairs(folder: Path) -> list[EvaluationSet]:
    """Find image*.tif with labels*.tif, whose names are else the same, in a folder and its subfolders."""
    found = []
    for image in sorted(_candidates([folder, *folder.iterdir()])):
        labels = image.with_name(image.name.replace(IMAGE, LABELS, 1))
        if labels.exists():
            place = "" if image.parent == folder else image.parent.name
            rest = image.stem.removeprefix(IMAGE).strip("_- ").removesuffix(".ome")
            tracks = image.parent / "tracks.txt"
            found.append(
                EvaluationSet(
                    *(" ".join(filter(None, (place, rest))) or image.stem, image, labels),
                    tracks=tracks if tracks.is_file() else None,
                )
            )
    return found


def _candidates(folders: Iterable[Path]) -> list[Path]:
    return [
        path
        for folder in folders
        if folder.is_dir() and folder.suffix != ".zarr"
        for path in folder.glob(f"{IMAGE}*")
        if path.suffix.lower() in ENDINGS
    ]


def read_scene(chosen: EvaluationSet, frames: int | None = None) -> Scene:
    """Read a set into memory.

    Parameters
    ----------
    chosen : EvaluationSet
        Which.
    frames : int, optional
        Only so many frames: the middle ones of a z-stack, the first ones of all else.

    Returns
    -------
    Scene

    Raises
    ------
    StackError
        If a file cannot be read, or image and labels do not fit.
    """
    stack = open_stack(chosen.image, chosen.axes, channels=chosen.channels or None)
    follow = _follow(chosen, stack)
    used = _frames(stack.n_frames, frames, follow)
    truth = _read_labels(chosen.labels, stack, chosen.axes)[used.start : used.stop]
    if not truth.any():
        raise StackError(f"{chosen.labels} has no object on the frames that are used; use more.")
    markers = _read_labels(chosen.markers, stack, None) if chosen.markers else None
    first = len(truth) // 2 if follow == "z" else 0
    planes = tuple(f - used.start for f in chosen.planes if f in used)
    return Scene(
        name=chosen.name,
        stack=_part(stack, used),
        truth=truth,
        follow=follow,
        planes=planes or (first,),
        smallest=chosen.smallest,
        smallest_volume=1 if follow == "t" else chosen.smallest_volume,
        markers=None if markers is None else markers[used.start : used.stop],
        parents=_read_parents(chosen.tracks) if chosen.tracks else {},
    )


def _follow(chosen: EvaluationSet, stack: Stack) -> Follow:
    """Say what the frames are: what the table says, else time for axis T, depth for any other."""
    if stack.n_frames == 1:
        return "no"
    if chosen.follow == "":
        return "t" if stack.propagation_axis == "T" else "z"
    return next(known for known in get_args(Follow) if known == chosen.follow)


def _frames(n: int, most: int | None, follow: Follow) -> range:
    """Choose the frames that are used."""
    count = min(n, most or n)
    start = (n - count) // 2 if follow == "z" else 0
    return range(start, start + count)


def _part(stack: Stack, frames: range) -> Stack:
    """Read some frames of a stack, as a stack of its own with the same planes."""
    planes = np.stack([stack.plane(frame) for frame in frames])
    axis = stack.propagation_axis or "Z"
    colours = "" if planes.ndim == 3 else stack.channel_axis or "S"
    axes = f"{axis}YX{colours}"
    return Stack.from_array(
        planes,
        axes,
        propagation_axis=axis,
        channels=range(stack.n_channels) if colours else None,
        scale={key: stack.scale.get(key) for key in axes if key not in "CS"},
        source=stack.source,
    )


def _read_labels(path: Path, stack: Stack, axes: str | None) -> np.ndarray:
    """Read labels of the size of a stack, int64, (frame, y, x)."""
    named = axes.replace("S", "").replace("C", "") if axes else None
    opened = open_stack(path, named, propagation_axis=_axis_of(stack, path))
    shapes = (opened.n_frames, *opened.plane_shape), (stack.n_frames, *stack.plane_shape)
    if shapes[0] != shapes[1] or opened.n_channels != 1:
        raise StackError(
            f"{path} has shape {shapes[0]}, its image {shapes[1]} (frame, y, x); they must be the same."
        )
    if opened.dtype.kind not in "bui":
        raise StackError(
            f"{path} holds {opened.dtype} numbers, labels are whole ones from 0; give labels."
        )
    planes = [opened.plane(frame) for frame in range(opened.n_frames)]
    labels = np.stack(planes).astype(np.int64)
    if labels.min() < 0:
        raise StackError(f"{path} has the label {labels.min()}; labels are whole numbers from 0.")
    return labels


def _axis_of(stack: Stack, path: Path) -> str | None:
    """Return the axis along which labels have the frames of an image: its own where they have it, else their first."""
    axis = open_stack(path).axes
    wanted = stack.propagation_axis
    return wanted if wanted is not None and wanted in axis else None


def _read_parents(path: Path) -> dict[int, int]:
    """Read the divisions from lines "label first last parent".

    Raises
    ------
    StackError
        If a line is something else.
    """
    parents = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 4 or not all(word.isdigit() for word in words):
            raise StackError(
                f"{path}, line {number}: {line!r} is not four whole numbers: label first last parent."
            )
        label, parent = int(words[0]), int(words[3])
        if parent:
            parents[label] = parent
    return parents
