"""The data sheet: where every stack comes from, and what was annotated on it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from napari_sam2.dataset.splits import SPLITS
from napari_sam2.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "SHEET",
    "Counts",
    "Credits",
    "ObjectSheet",
    "Sheet",
    "StackSheet",
    "is_dataset",
    "read_sheet",
]

SHEET: Final = "dataset.json"
FORMAT: Final = "napari-sam2 training set"
FORMAT_VERSION: Final = 1
NAME: Final = re.compile(r"[\w-][\w.-]*")


@dataclass(frozen=True, slots=True)
class Credits:
    """Whose images these are, and what others may do with them; "" where it is not said.

    Parameters
    ----------
    licence : str
        Such as "CC-BY-4.0".
    author : str
        Who made images and annotations.
    source : str
        Where they come from: a study, a DOI, an address.
    """

    licence: str = ""
    author: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class ObjectSheet:
    """What was annotated of one object.

    Parameters
    ----------
    object_id : int
        Value in the labels.
    name : str
        Given by the user; "" if none.
    masks : int
        Frames of the set on which it has a pixel.
    known : tuple of int
        Frames on which the labels are right about it: its mask, or that it is absent. On others it is not annotated.
    prompts : mapping of int to mapping of str to int
        By frame, how many prompts of each type the user gave. These frames are trusted.
    accepted : tuple of int
        Frames of which the user said that the mask is right.
    """

    object_id: int
    name: str
    masks: int
    known: tuple[int, ...]
    prompts: Mapping[int, Mapping[str, int]]
    accepted: tuple[int, ...]

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> ObjectSheet:
        """Read what `asdict` wrote; JSON has texts for keys, and lists for tuples."""
        fields = dict(content)
        fields["known"] = tuple(content["known"])
        fields["prompts"] = {int(f): dict(given) for f, given in content["prompts"].items()}
        fields["accepted"] = tuple(content["accepted"])
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class StackSheet:
    """One stack of the set. Frames are those of the original stack throughout.

    Parameters
    ----------
    name : str
        Its folder.
    split : {"train", "validation", "test"}
        Where it belongs.
    file : str
        Name of the original file; "" if it was no file.
    content : str
        Digest of a few planes of the original, by which it is known again.
    shape : tuple of int
        Of the original array.
    axes : str
        Of the original array.
    frames_along : str or None
        The axis that frames follow.
    position : mapping of str to int
        Index on the other axes.
    channels : tuple of int
        Indices of the channels that are in the set, in this order.
    dtype : str
        Of the image.
    plane_shape : tuple of int
        Rows and columns.
    scale : mapping of str to (float or None)
        Micrometres (Z, Y, X) or seconds (T) of a step in the original; None where unknown.
    n_frames : int
        Of the original.
    frames : tuple of int
        Those that are in the set, ascending.
    count : {"trusted", "all"}
        Which masks count.
    model : str
        Name of the model that was used.
    intensity : tuple of (float, float)
        For each channel, the values that the model was shown as black and white.
    credit : Credits
        Licence and author.
    objects : tuple of ObjectSheet
        Those that have a mask in the set, ascending.
    """

    name: str
    split: str
    file: str
    content: str
    shape: tuple[int, ...]
    axes: str
    frames_along: str | None
    position: Mapping[str, int]
    channels: tuple[int, ...]
    dtype: str
    plane_shape: tuple[int, int]
    scale: Mapping[str, float | None]
    n_frames: int
    frames: tuple[int, ...]
    count: str
    model: str
    intensity: tuple[tuple[float, float], ...]
    credit: Credits
    objects: tuple[ObjectSheet, ...]

    def __post_init__(self) -> None:
        if self.split not in SPLITS or not NAME.fullmatch(self.name):
            raise ValueError(f"stack {self.name!r} in split {self.split!r}")

    @property
    def place(self) -> str:
        """Its folder, relative to that of the set."""
        return f"{self.split}/{self.name}"

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> StackSheet:
        """Read what `asdict` wrote."""
        fields = dict(content)
        for name in ("shape", "channels", "plane_shape", "frames"):
            fields[name] = tuple(content[name])
        fields["intensity"] = tuple((low, high) for low, high in content["intensity"])
        fields["credit"] = Credits(**content["credit"])
        fields["objects"] = tuple(map(ObjectSheet.from_json, content["objects"]))
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is."""

    stacks: int
    frames: int
    objects: int
    masks: int
    prompts: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """What ``dataset.json`` says.

    Parameters
    ----------
    made_by : str
        Package and version.
    date : str
        Of the last change, year-month-day.
    stacks : tuple of StackSheet
        In the order in which they came.
    """

    made_by: str
    date: str
    stacks: tuple[StackSheet, ...]

    def counts(self, split: str | None = None) -> Counts:
        """Count a split, or everything."""
        stacks = [stack for stack in self.stacks if split in (None, stack.split)]
        objects = [one for stack in stacks for one in stack.objects]
        prompts = (sum(given.values()) for one in objects for given in one.prompts.values())
        return Counts(
            len(stacks),
            sum(len(stack.frames) for stack in stacks),
            len(objects),
            sum(one.masks for one in objects),
            sum(prompts),
        )

    @property
    def categories(self) -> list[str]:
        """COCO's categories: the names of the objects, "object" for those without one."""
        return sorted({one.name or "object" for stack in self.stacks for one in stack.objects})

    def write(self, folder: Path) -> None:
        """Write ``dataset.json``."""
        content = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "made_by": self.made_by,
            "date": self.date,
            "units": {"Z": "micrometer", "Y": "micrometer", "X": "micrometer", "T": "second"},
            "counts": {
                name: asdict(self.counts(split))
                for name, split in (("all", None), *((s, s) for s in SPLITS))
            },
            "categories": self.categories,
            "stacks": [asdict(stack) for stack in self.stacks],
        }
        (folder / SHEET).write_text(
            json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8"
        )


def is_dataset(folder: Path) -> bool:
    """Tell whether a folder claims to be a training set."""
    return (folder / SHEET).is_file()


def read_sheet(folder: Path) -> Sheet:
    """Read ``dataset.json``.

    Raises
    ------
    DatasetError
        If it is missing, damaged, of a newer format, or its counts do not agree with its stacks.
    """
    path = folder / SHEET
    if not path.is_file():
        raise DatasetError(f"{folder} is no training set (it has no {SHEET}); choose its folder.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kind, version = content.get("format"), content.get("format_version")
        if kind != FORMAT or version > FORMAT_VERSION:
            raise DatasetError(
                f"{folder} has format {kind!r} version {version!r}, this package reads {FORMAT!r} up to "
                f"{FORMAT_VERSION}; update napari-sam2."
            )
        stacks = tuple(map(StackSheet.from_json, content["stacks"]))
        sheet = Sheet(content["made_by"], content["date"], stacks)
        told, found = content["counts"]["all"], asdict(sheet.counts())
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(
            f"{path} is damaged ({type(error).__name__}: {error}); use a copy of the set."
        ) from error
    if told != found:
        raise DatasetError(
            f"{path} says that there are {told}, but its stacks make {found}; use a copy of the set."
        )
    return sheet
