"""What the worker does while no request waits: the ghost under the mouse, the table, planes ahead of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_sam2._napari.messages import Encoded, Ghost, ObjectNow, ObjectsNow

if TYPE_CHECKING:
    from napari_sam2._napari.host import Job
    from napari_sam2._napari.messages import Hover
    from napari_sam2.session import Session

__all__ = ["Rest", "objects_of"]


class Rest:
    """One session's work at rest, the most urgent first; one small piece per call.

    Parameters
    ----------
    session : Session
        Used on the worker's thread only.
    encodes_ahead : bool
        Whether planes are encoded before anybody asks for them.
    encodes_ghosts : bool
        Whether a ghost is worth an encoding of the window around the mouse.
    """

    def __init__(
        self, session: Session, encodes_ahead: bool = True, encodes_ghosts: bool = False
    ) -> None:
        self._session = session
        self._encodes_ahead = encodes_ahead
        self._encodes_ghosts = encodes_ghosts
        self._told = False
        self._hover: Hover | None = None
        self._room = (
            session.n_frames
        )  # planes that fit into the memory for embeddings, once it is known

    def disturb(self) -> None:
        """Say that a request was served: what is shown of the objects may be out of date."""
        self._told = False
        self._hover = None

    def __call__(self, job: Job) -> bool:
        """Do one piece; returns whether there is more."""
        hover = job.hints.hover
        if hover is not None and hover != self._hover:
            self._hover = hover
            preview = self._session.preview(hover.point, hover.object_id, self._encodes_ghosts)
            job.say(Ghost(hover, preview))
        elif not self._told:
            self._told = True
            job.say(ObjectsNow(objects_of(self._session)))
        else:
            return self._encodes_ahead and self._encode_one(job)
        return True

    def _encode_one(self, job: Job) -> bool:
        """Encode the plane next to the one in view; as many as there is room for."""
        session = self._session
        encoded = session.encoded_frames()
        by_distance = np.argsort(np.abs(np.arange(len(encoded)) - job.hints.frame), kind="stable")
        wanted = by_distance[: session.encodings_kept]
        missing = [int(frame) for frame in wanted if not encoded[frame]]
        if not missing or not session.encode(missing[0]):
            return False
        job.say(Encoded(len(wanted) - len(missing) + 1, len(wanted)))
        return True


def objects_of(session: Session) -> tuple[ObjectNow, ...]:
    """Sum up all objects, ascending."""
    return tuple(_object_now(session, object_id) for object_id in session.object_ids)


def _object_now(session: Session, object_id: int) -> ObjectNow:
    scores = session.scores(object_id)
    area = np.full(session.n_frames, np.nan)
    area[scores.frame] = scores.area
    trusted = np.zeros(session.n_frames, dtype=bool)
    trusted[scores.frame] = scores.prompted
    trusted[list(session.accepted_frames(object_id))] = True
    return ObjectNow(
        object_id,
        session.name(object_id),
        session.is_locked(object_id),
        area,
        session.confidence(object_id),
        trusted,
    )
