"""What is learned from: planes as the model is shown them, with objects that somebody said are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_sam2.errors import LearningError
from napari_sam2.session import trust
from napari_sam2.stack import IntensityMap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sam2.session import Session
    from napari_sam2.stack import Stack

__all__ = ["AnnotatedPlane", "annotations_of_labels", "annotations_of_session"]

SMALLEST = 20
"""Objects with fewer pixels on a plane are not learned from."""


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedPlane:
    """A plane and the objects that are known on it.

    Parameters
    ----------
    source : str
        The image it is from; objects of one source and one id are the same object.
    frame : int
        Where in the image.
    pixels : ndarray of float32, (y, x, 3)
        As the model sees them, 0 to 1.
    labels : ndarray of int32, (y, x)
        Ids; 0 where no object is known.
    is_complete : bool
        Whether 0 means that there is no object, not only that none was marked.
    """

    source: str
    frame: int
    pixels: np.ndarray
    labels: np.ndarray
    is_complete: bool

    @property
    def object_ids(self) -> list[int]:
        """The objects that are large enough, ascending."""
        areas = np.bincount(self.labels.ravel())
        areas[0] = 0
        return np.flatnonzero(areas >= SMALLEST).tolist()


def annotations_of_session(
    session: Session, object_ids: Sequence[int] | None = None
) -> list[AnnotatedPlane]:
    """Collect what the user vouched for: masks on prompted and on accepted frames.

    A lone first click that was never looked at again is a prompted frame too, but the model's own answer to it teaches nothing:
    frames count that have two prompts or more, a mask given by the user, or were accepted.

    Parameters
    ----------
    session : Session
        It is only read, and may go on afterwards.
    object_ids : sequence of int, optional
        Only these objects.

    Returns
    -------
    list of AnnotatedPlane
        One per frame with a trusted mask, ascending. Where masks overlap, the smaller one keeps its pixels.

    Raises
    ------
    LearningError
        If there is no trusted mask.
    """
    masks: dict[int, list[tuple[int, np.ndarray]]] = {}
    for object_id in session.object_ids if object_ids is None else object_ids:
        for frame in trust.vouched_frames(
            session.prompts(object_id), session.accepted_frames(object_id)
        ):
            mask = session.mask(object_id, frame)
            if mask.any():
                masks.setdefault(frame, []).append((object_id, mask))
    if not masks:
        raise LearningError(
            "no mask of this session was corrected, painted or accepted, so there is nothing to learn from; correct or accept "
            "some masks first."
        )
    planes = []
    for frame, found in sorted(masks.items()):
        labels = np.zeros(session.plane_shape, np.int32)
        for object_id, mask in sorted(found, key=lambda pair: -int(pair[1].sum())):
            labels[mask] = object_id
        pixels = session.intensity(session.stack.plane(frame))
        planes.append(
            AnnotatedPlane(session.stack.source, frame, pixels, labels, is_complete=False)
        )
    return planes


def annotations_of_labels(
    stack: Stack,
    labels: Stack,
    frames: Sequence[int] | None = None,
    source: str = "",
) -> list[AnnotatedPlane]:
    """Pair the planes of an image with those of its label image, all of whose objects are marked.

    Parameters
    ----------
    stack, labels : Stack
        Of the same frames and planes; labels hold whole numbers, 0 is background.
    frames : sequence of int, optional
        Only these; None for all on which there is an object.
    source : str
        Name of the image.

    Raises
    ------
    LearningError
        If sizes or kinds do not fit, a frame does not exist, or there is no object.
    """
    shapes = [(s.n_frames, *s.plane_shape) for s in (stack, labels)]
    if shapes[0] != shapes[1] or labels.n_channels != 1 or labels.dtype.kind not in "bui":
        raise LearningError(
            f"labels of shape {shapes[1]} and type {labels.dtype} do not fit the image of shape {shapes[0]} (frame, y, x); give "
            "whole numbers of the same shape."
        )
    beyond = [f for f in frames or () if not 0 <= f < stack.n_frames]
    if beyond:
        raise LearningError(
            f"frame {beyond[0]} does not exist; the image has frames 0 to {stack.n_frames - 1}."
        )
    intensity = IntensityMap.from_stack(stack)
    planes = []
    for frame in range(stack.n_frames) if frames is None else sorted(set(frames)):
        ids = labels.plane(frame).astype(np.int32).reshape(labels.plane_shape)
        if ids.min() < 0:
            raise LearningError(f"a label is {ids.min()}; labels are whole numbers from 0.")
        if ids.any():
            pixels = intensity(stack.plane(frame))
            planes.append(
                AnnotatedPlane(source or stack.source, frame, pixels, ids, is_complete=True)
            )
    if not planes:
        raise LearningError("the labels have no object on the frames that are used; use others.")
    return planes
