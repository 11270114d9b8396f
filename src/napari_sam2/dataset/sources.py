"""What is exported: the objects of a live or saved session, and which of their masks count."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from napari_sam2.errors import DatasetError, SessionError
from napari_sam2.session import storage
from napari_sam2.stack import IntensityMap

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_sam2.prompts import Prompt
    from napari_sam2.session import Session
    from napari_sam2.stack import Stack
    from napari_sam2.stack.intensity import Limits

__all__ = ["Annotated", "FramesThatCount", "Source", "known_frames", "source_of", "source_of_saved"]

FramesThatCount: TypeAlias = Literal["trusted", "all"]
"""Prompted and accepted frames only, or all frames with masks."""


@dataclass(frozen=True, slots=True)
class Annotated:
    """What the user said of one object.

    Parameters
    ----------
    object_id : int
        Value in the labels.
    name : str
        "" if it has none.
    prompts : mapping of int to mapping of str to int
        Prompts by frame, and how many of each type. These frames are trusted.
    accepted : frozenset of int
        Frames of which the user said that the mask is right; they are among those with prompts.
    masks : frozenset of int
        Frames with a mask.
    pending : frozenset of int
        Frames of which nothing is known, or nothing that is up to date.
    """

    object_id: int
    name: str
    prompts: Mapping[int, Mapping[str, int]]
    accepted: frozenset[int]
    masks: frozenset[int]
    pending: frozenset[int]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A stack with what was annotated on it; made by `source_of` or `source_of_saved`.

    Parameters
    ----------
    name : str
        What it is called; "" for the name of the image's file.
    stack : Stack
        The image.
    labels : array-like of unsigned int, (frame, y, x)
        What is shown; read plane by plane.
    objects : tuple of Annotated
        Ascending.
    model : str
        Name of the model that was used.
    intensity : IntensityMap
        What the model was shown.
    """

    name: str
    stack: Stack
    labels: Any
    objects: tuple[Annotated, ...]
    model: str
    intensity: IntensityMap

    def labels_of(self, frame: int, object_ids: Iterable[int]) -> np.ndarray:
        """Read the labels of some objects on a frame, (y, x); all else is 0.

        Raises
        ------
        DatasetError
            If they cannot be read.
        """
        try:
            plane = np.asarray(self.labels[frame])
        except (OSError, ValueError, RuntimeError) as error:
            raise DatasetError(
                f"the labels of {self.name or self.stack.source} cannot be read on frame {frame} "
                f"({type(error).__name__}: {error}); the session is damaged, use a copy of it."
            ) from error
        return np.where(np.isin(plane, list(object_ids)), plane, 0)


def source_of(session: Session, name: str = "") -> Source:
    """Export a live session; it is read while the set is written, so leave it as it is until then."""
    objects = []
    for i in session.object_ids:
        scores = session.scores(i)
        objects.append(
            Annotated(
                i,
                session.name(i),
                _counted(session.prompts(i)),
                session.accepted_frames(i),
                frozenset(scores.frame[scores.area > 0].tolist()),
                frozenset(session.pending(i)),
            )
        )
    return Source(
        name, session.stack, session.labels, tuple(objects), session.model.name, session.intensity
    )


def source_of_saved(
    folder: str | Path, stack: Stack, name: str = "", intensity: Limits = "auto"
) -> Source:
    """Export a saved session; no model is needed.

    Parameters
    ----------
    folder : path
        Written by `Session.save`.
    stack : Stack
        The image that it was made on.
    name : str
        What it is called; "" for the name of the image's file.
    intensity : "auto", None, (low, high)
        What the session was opened with, for the data sheet; it is not saved with a session.

    Returns
    -------
    Source

    Raises
    ------
    SessionError
        If the folder is not a saved session, or the stack has another shape.
    """
    saved = storage.read(Path(folder))
    shape = (stack.n_frames, *stack.plane_shape)
    if saved.shape != shape:
        raise SessionError(
            f"{folder} was made on a stack of shape {saved.shape}, {stack.source} is {shape}; give the image "
            "that it was made on, with its axes and position."
        )
    objects = tuple(
        Annotated(
            i,
            state.facts.name,
            _counted(state.prompts),
            state.facts.accepted,
            frozenset(frame for frame, record in state.records.items() if record.mask.area),
            frozenset(state.pending(stack.n_frames)),
        )
        for i, state in sorted(saved.objects.items())
    )
    mapping = IntensityMap.from_stack(stack, intensity)
    return Source(name, stack, saved.labels, objects, saved.model, mapping)


def _counted(prompts: Mapping[int, tuple[Prompt, ...]]) -> dict[int, dict[str, int]]:
    return {
        frame: dict(Counter(type(prompt).__name__ for prompt in given))
        for frame, given in prompts.items()
    }


def known_frames(one: Annotated, count: FramesThatCount, n_frames: int) -> frozenset[int]:
    """Return the frames of which a set says whether the object is there, and where.

    Parameters
    ----------
    one : Annotated
        The object.
    count : {"trusted", "all"}
        Whether tracked frames count.
    n_frames : int
        Of the stack.
    """
    if count == "trusted" or not one.prompts:
        return frozenset(one.prompts)
    return frozenset(range(n_frames)) - one.pending | one.masks
