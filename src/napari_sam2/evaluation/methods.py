"""What is evaluated: anything that turns clicks into masks. Here the model; the baselines are in `baselines`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from napari_sam2.session import Session

if TYPE_CHECKING:
    import numpy as np

    from napari_sam2.evaluation.scene import Planes, Scene
    from napari_sam2.model.network import SAM2
    from napari_sam2.prompts import Box, Point

__all__ = ["Method", "ModelMethod", "Work"]


class Work(Protocol):
    """One user at work on one scene."""

    def click(self, object_id: int, point: Point) -> np.ndarray:
        """Add a click to an object, new or known; return its mask on that frame, bool, (y, x)."""

    def box(self, object_id: int, box: Box) -> np.ndarray:
        """Draw a box around a new object; return its mask."""

    def candidates(self, object_id: int, frame: int) -> list[np.ndarray]:
        """Return the masks that the first click may mean, bool, (y, x); none if there is only one."""

    def forget(self, object_id: int) -> None:
        """Remove an object."""

    def carry(self) -> Planes:
        """Bring all objects to all frames; return the labels by frame, which the next change may change."""


class Method(Protocol):
    """Something that can be evaluated."""

    @property
    def name(self) -> str:
        """How tables call it."""

    def open(self, scene: Scene, window_side: int | None) -> Work:
        """Begin to work on a scene, with a window of so many pixels; None for the whole plane."""


class ModelMethod:
    """A model in a session, as the window and the command line use it.

    Parameters
    ----------
    model : SAM2
        From `load_model`.
    drops_islands : bool
        See `Session`.
    """

    def __init__(self, model: SAM2, drops_islands: bool = True) -> None:
        self._model = model
        self._drops_islands = drops_islands

    @property
    def name(self) -> str:
        """The model's."""
        return str(self._model.name)

    def open(self, scene: Scene, window_side: int | None) -> Work:
        """Open a session."""
        session = Session(
            scene.stack,
            self._model,
            scene.intensity,
            window_side=window_side,
            drops_islands=self._drops_islands,
        )
        return _SessionWork(session)


class _SessionWork:
    """A user of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def click(self, object_id: int, point: Point) -> np.ndarray:
        self._session.add_prompt(object_id, point)
        return self._session.mask(object_id, point.frame)

    def box(self, object_id: int, box: Box) -> np.ndarray:
        self._session.add_prompt(object_id, box)
        return self._session.mask(object_id, box.frame)

    def candidates(self, object_id: int, frame: int) -> list[np.ndarray]:
        return [candidate.mask for candidate in self._session.candidates(object_id, frame)]

    def forget(self, object_id: int) -> None:
        self._session.remove_object(object_id)

    def carry(self) -> Planes:
        for _ in self._session.propagate():
            pass
        labels: Planes = self._session.labels
        return labels
