"""A training set, read again: stacks with images and labels, checked against what the set says of itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_sam2.dataset.coco import read_pages
from napari_sam2.dataset.rle import area_of
from napari_sam2.dataset.sheet import read_sheet
from napari_sam2.dataset.splits import SPLITS
from napari_sam2.errors import DatasetError, StackError
from napari_sam2.stack import open_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_sam2.dataset.coco import Page
    from napari_sam2.dataset.sheet import StackSheet
    from napari_sam2.stack import Stack

__all__ = ["ReadStack", "read_dataset"]


@dataclass(frozen=True, slots=True, eq=False)
class ReadStack:
    """One stack of a training set; pages are read when they are asked for.

    Parameters
    ----------
    sheet : StackSheet
        What the data sheet says of it.
    image : Stack
        Its frames are the pages: those that are in the set.
    label_stack : Stack
        The labels, of the same size.
    image_file : Path
        Where the image lies.
    """

    sheet: StackSheet
    image: Stack
    label_stack: Stack
    image_file: Path

    @property
    def name(self) -> str:
        """Its name in the set."""
        return self.sheet.name

    @property
    def split(self) -> str:
        """Where it belongs: "train", "validation" or "test"."""
        return self.sheet.split

    @property
    def frames(self) -> tuple[int, ...]:
        """For each page, the frame in the original stack."""
        return self.sheet.frames

    @property
    def names(self) -> dict[int, str]:
        """Names of the objects by id; "" for those without one."""
        return {one.object_id: one.name for one in self.sheet.objects}

    def plane(self, page: int) -> np.ndarray:
        """Read one image, (y, x) or (y, x, channel), with the values of the original."""
        return self.image.plane(page).astype(self.sheet.dtype, copy=False)

    def labels(self, page: int) -> np.ndarray:
        """Read the labels of one image, uint16 or uint32, (y, x)."""
        return self.label_stack.plane(page)

    def not_annotated(self, page: int) -> tuple[int, ...]:
        """Return the objects of which the labels of a page say nothing, though they may be there."""
        frame = self.frames[page]
        return tuple(one.object_id for one in self.sheet.objects if frame not in one.known)


def read_dataset(folder: str | Path, split: str | None = None) -> Iterator[ReadStack]:
    """Read a training set, one stack after another.

    Every stack is checked before it is yielded: sizes, number types, frames, and the area of every mask in labels and COCO file.

    Parameters
    ----------
    folder : path
        Written by `write_dataset`.
    split : {"train", "validation", "test"}, optional
        Only this one; all by default.

    Returns
    -------
    iterator of ReadStack

    Raises
    ------
    DatasetError
        If it is no training set, or damaged: at once where the data sheet is, else at the stack.
    """
    folder = Path(folder).expanduser()
    if split not in (None, *SPLITS):
        raise DatasetError(f"split {split!r} is unknown; use one of {SPLITS}.")
    sheet = read_sheet(folder)
    used = {stack.split for stack in sheet.stacks} if split is None else {split}
    wanted = [stack for stack in sheet.stacks if stack.split in used]
    pages = {s: read_pages(folder / f"{s}.json") for s in {stack.split for stack in wanted}}
    return (_open(folder, stack, pages[stack.split].get(stack.name, [])) for stack in wanted)


def _open(folder: Path, sheet: StackSheet, pages: Sequence[Page]) -> ReadStack:
    """Open and check one stack."""
    place = folder / sheet.place
    channels = range(len(sheet.channels)) if len(sheet.channels) > 1 else None
    try:
        image = open_stack(place / "image.tif", channels=channels)
        labels = open_stack(place / "labels.tif")
        opened = ReadStack(sheet, image, labels, place / "image.tif")
        problem = _wrong_sizes(opened) or _wrong_pages(opened, pages)
    except StackError as error:
        raise DatasetError(f"{place} is damaged: {error}") from error
    if problem:
        raise DatasetError(f"{place} is damaged: {problem}; use a copy of the set.")
    return opened


def _wrong_sizes(opened: ReadStack) -> str:
    """Say what does not fit between files and sheet; "" if all does."""
    sheet = opened.sheet
    expected = (len(sheet.frames), *sheet.plane_shape)
    for name, stack in (("image.tif", opened.image), ("labels.tif", opened.label_stack)):
        found = (stack.n_frames, *stack.plane_shape)
        if found != expected:
            return f"{name} has shape {found}, the data sheet says {expected} (frame, y, x)"
    stored = "uint8" if sheet.dtype == "bool" else sheet.dtype
    if str(opened.image.dtype) != stored:
        return f"image.tif holds {opened.image.dtype} numbers, the data sheet says {sheet.dtype}"
    if opened.label_stack.dtype not in (np.uint16, np.uint32):
        return f"labels.tif holds {opened.label_stack.dtype} numbers, labels are uint16 or uint32"
    return ""


def _wrong_pages(opened: ReadStack, pages: Sequence[Page]) -> str:
    """Say what does not fit between labels, COCO file and sheet; "" if all does."""
    frames = tuple(page.frame for page in pages)
    if frames != opened.frames:
        return f"{opened.split}.json has frames {list(frames)}, the data sheet says {list(opened.frames)}"
    for number, page in enumerate(pages):
        values, areas = np.unique(opened.labels(number), return_counts=True)
        found = {int(v): int(n) for v, n in zip(values, areas, strict=True) if v}
        told = {mask.object_id: area_of(mask.rle) for mask in page.masks}
        if found != told:
            return (
                f"page {number} (frame {page.frame}) of labels.tif has pixels by object {found}, "
                f"{opened.split}.json says {told}"
            )
    counted = dict(Counter(mask.object_id for page in pages for mask in page.masks))
    told = {one.object_id: one.masks for one in opened.sheet.objects}
    return (
        ""
        if counted == told
        else f"there are masks by object {counted}, the data sheet says {told}"
    )
