"""One stack on its way into a set: which frames and masks, its files, its part of the data sheet."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam2.dataset.coco import Page, PageMask
from napari_sam2.dataset.images import frame_axis, scale_of, write_image
from napari_sam2.dataset.rle import encode_rle
from napari_sam2.dataset.sheet import ObjectSheet, StackSheet
from napari_sam2.dataset.sources import known_frames
from napari_sam2.errors import DatasetError, StackError
from napari_sam2.stack import save_labels

if TYPE_CHECKING:
    from napari_sam2.dataset.sheet import Credits
    from napari_sam2.dataset.sources import FramesThatCount, Source
    from napari_sam2.stack import Stack

__all__ = ["Selection", "content_of", "file_of", "select"]

LOOKED_AT = 5  # planes


def content_of(stack: Stack) -> str:
    """Return a digest by which an image is known again, whatever part of it is shown and wherever it lies.

    A few planes of the whole array are read, the same ones for all positions, channels and propagation axes.
    """
    digest = hashlib.blake2b(f"{stack.layout.sizes}{stack.dtype}".encode(), digest_size=16)
    for step in range(LOOKED_AT):
        index = tuple(
            slice(None) if axis in "YXS" else (size - 1) * step // (LOOKED_AT - 1)
            for axis, size in zip(stack.axes, stack.layout.sizes, strict=True)
        )
        try:
            digest.update(np.ascontiguousarray(stack.array[index]).tobytes())
        except Exception as error:
            raise StackError(
                f"{stack.source} cannot be read ({type(error).__name__}: {error}); the data is damaged, incomplete "
                "or gone: copy it again."
            ) from error
    return digest.hexdigest()


def file_of(stack: Stack) -> str:
    """Return the name of the file that a stack comes from, without its folder; "" if it is no file."""
    path = Path(stack.source)
    return path.name if path.exists() else ""


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What of a source goes into a set.

    Parameters
    ----------
    source : Source
        Of which stack.
    count : {"trusted", "all"}
        Which masks count.
    known : dict of int to frozenset of int
        By object, the frames of which the set tells its mask or its absence.
    frames : tuple of int
        All of them, ascending.
    """

    source: Source
    count: FramesThatCount
    known: dict[int, frozenset[int]]
    frames: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the labels, (frame, y, x)."""
        return (len(self.frames), *self.source.stack.plane_shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the labels."""
        dtype: np.dtype[Any] = np.dtype(self.source.labels.dtype)
        return dtype

    def __getitem__(self, index: tuple[int, slice, slice]) -> np.ndarray:
        """Read labels, as `save_labels` asks for them: page, rows, columns."""
        return self.labels(self.frames[index[0]])[index[1:]]

    def ids_on(self, frame: int) -> list[int]:
        """Return the objects that are annotated on a frame."""
        return [i for i, frames in self.known.items() if frame in frames]

    def labels(self, frame: int) -> np.ndarray:
        """Read the labels of a frame, (y, x)."""
        return self.source.labels_of(frame, self.ids_on(frame))

    def pages(self) -> list[Page]:
        """Encode the masks.

        Raises
        ------
        DatasetError
            If there is none.
        """
        pages = [self._page(frame) for frame in self.frames]
        if not any(page.masks for page in pages):
            raise DatasetError(
                f"{self.source.name or self.source.stack.source} has no {self.count} mask with a pixel; prompt "
                "or accept some, or export frames='all'."
            )
        return pages

    def _page(self, frame: int) -> Page:
        plane, ids = self.labels(frame), self.ids_on(frame)
        masks = (_page_mask(int(i), plane == i) for i in np.unique(plane) if i)
        return Page(frame, tuple(masks), tuple(i for i in self.known if i not in ids))

    def write(self, folder: Path) -> None:
        """Write image and labels into a new folder."""
        stack = self.source.stack
        folder.mkdir(parents=True)
        write_image(folder / "image.tif", stack, self.frames)
        axes, scale = f"{frame_axis(stack)}YX", scale_of(stack, self.frames)
        save_labels(folder / "labels.tif", self, axes, scale)

    def sheet(self, name: str, split: str, credit: Credits, pages: list[Page]) -> StackSheet:
        """Describe it."""
        stack, mapping = self.source.stack, self.source.intensity
        return StackSheet(
            name=name,
            split=split,
            file=file_of(stack),
            content=content_of(stack),
            shape=tuple(stack.layout.sizes),
            axes=stack.axes,
            frames_along=stack.propagation_axis,
            position=dict(stack.position),
            channels=stack.channels,
            dtype=str(stack.dtype),
            plane_shape=stack.plane_shape,
            scale=dict(stack.scale),
            n_frames=stack.n_frames,
            frames=self.frames,
            count=self.count,
            model=self.source.model,
            intensity=tuple(zip(mapping.low, mapping.high, strict=True)),
            credit=credit,
            objects=self._objects(pages),
        )

    def _objects(self, pages: list[Page]) -> tuple[ObjectSheet, ...]:
        """Describe the objects that have a mask."""
        found = Counter(mask.object_id for page in pages for mask in page.masks)
        return tuple(
            ObjectSheet(
                object_id=one.object_id,
                name=one.name,
                masks=found[one.object_id],
                known=tuple(sorted(self.known[one.object_id])),
                prompts={f: dict(one.prompts[f]) for f in sorted(one.prompts)},
                accepted=tuple(sorted(one.accepted)),
            )
            for one in self.source.objects
            if one.object_id in found
        )


def select(source: Source, count: FramesThatCount) -> Selection:
    """Choose the frames and masks that count.

    Raises
    ------
    DatasetError
        If there are none.
    """
    known = {o.object_id: known_frames(o, count, source.stack.n_frames) for o in source.objects}
    told = (
        o.masks | o.prompts.keys() if count == "all" else o.prompts.keys() for o in source.objects
    )
    frames = frozenset[int]().union(*told)
    if not frames:
        raise DatasetError(
            f"{source.name or source.stack.source} has nothing annotated; add a prompt first."
        )
    inside = {i: found & frames for i, found in known.items()}
    return Selection(source, count, inside, tuple(sorted(frames)))


def _page_mask(object_id: int, mask: np.ndarray) -> PageMask:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    return PageMask(object_id, encode_rle(mask), box)
