"""A stack of a training set as a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam2.errors import DatasetError
from napari_sam2.session import Session
from napari_sam2.stack import IntensityMap, open_stack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_sam2.dataset.reading import ReadStack
    from napari_sam2.dataset.sheet import StackSheet
    from napari_sam2.model.network import SAM2
    from napari_sam2.stack import Stack

__all__ = ["open_original", "session_from"]


def open_original(sheet: StackSheet, path: str | Path) -> Stack:
    """Open the image that a stack of a set was made on, as it was opened then: axes, position, channels.

    Parameters
    ----------
    sheet : StackSheet
        Of the stack.
    path : path
        Where the image lies here.

    Returns
    -------
    Stack
        For `session_from`, which checks that it is the same.
    """
    return open_stack(
        path,
        sheet.axes,
        propagation_axis=sheet.frames_along,
        position=sheet.position,
        channels=sheet.channels if set("CS") & set(sheet.axes) - {sheet.frames_along} else None,
    )


def session_from(
    read: ReadStack, model: SAM2, stack: Stack | None = None, **options: Any
) -> Session:
    """Make a session of what was annotated: objects with mask prompts, with their ids and names.

    What was trusted is accepted again. The largest mask of an object is a prompt in any case, because an object needs one. Frames of
    which the set says nothing about an object can be propagated to.

    Parameters
    ----------
    read : ReadStack
        From `read_dataset`.
    model : SAM2
        From `load_model`; it is not asked here.
    stack : Stack, optional
        The original image: the masks come to the frames on which they were made. By default the image of the set, whose frames are the
        annotated ones only.
    **options
        As for `Session`.

    Returns
    -------
    Session

    Raises
    ------
    DatasetError
        If the stack is not the original.
    """
    if stack is None:
        stack, places = read.image, {frame: page for page, frame in enumerate(read.frames)}
    else:
        _check_original(read, stack)
        places = {frame: frame for frame in read.frames}
    low, high = zip(*read.sheet.intensity, strict=True)
    session = Session(stack, model, **{"intensity": IntensityMap(low, high), **options})
    shape = (stack.n_frames, *stack.plane_shape)
    labels = _Labels(read, {places[f]: page for page, f in enumerate(read.frames)}, shape)
    known = {one.object_id: [places[f] for f in one.known] for one in read.sheet.objects}
    session.import_labels(labels, known=known)
    for one in read.sheet.objects:
        if one.name:
            session.rename(one.object_id, one.name)
        for frame in one.prompts:
            session.accept(one.object_id, places[frame])
    return session


def _check_original(read: ReadStack, stack: Stack) -> None:
    """Refuse another image than the original."""
    sheet = read.sheet
    expected = (sheet.n_frames, *sheet.plane_shape)
    found = (stack.n_frames, *stack.plane_shape)
    if found != expected:
        raise DatasetError(
            f"{stack.source} has shape {found}, {sheet.place} was made on {expected} (frame, y, x); give the "
            f"original image{f' ({sheet.file})' if sheet.file else ''}."
        )
    for page, frame in enumerate(read.frames):
        if not np.array_equal(
            stack.plane(frame), read.plane(page), equal_nan=sheet.dtype[0] == "f"
        ):
            raise DatasetError(
                f"frame {frame} of {stack.source} is not that of {sheet.place}; give the original image, with "
                f"axes {sheet.axes}, frames along {sheet.frames_along}, position {dict(sheet.position)} and "
                f"channels {list(sheet.channels)}."
            )


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """Labels of a set at the frames of a stack; empty on all others.

    Parameters
    ----------
    read : ReadStack
        Whose labels.
    pages : mapping of int to int
        Page of the set by frame of the stack.
    shape : tuple of int
        (frame, y, x).
    """

    read: ReadStack
    pages: Mapping[int, int]
    shape: tuple[int, int, int]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.read.label_stack.dtype

    def __getitem__(self, frame: int) -> np.ndarray:
        page = self.pages.get(frame)
        return np.zeros(self.shape[1:], self.dtype) if page is None else self.read.labels(page)
