"""The worker's side of saving: what is asked, what is answered, and how. No Qt, no napari."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_sam2._napari.autosave import (
    ImageKey,
    begin_autosave,
    discard,
    end_autosave,
    fingerprint,
    open_session,
    save_session,
    unsaved_work,
)
from napari_sam2.errors import Sam2Error

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from napari_sam2._napari.messages import Open
    from napari_sam2.session import JournalInfo, Session

__all__ = ["Discard", "Keeper", "KeepingRequest", "OpenFolder", "Plane", "Save", "Unsaved"]


@dataclass(frozen=True, slots=True)
class Save:
    """Save the session in a folder, and go on there."""

    folder: Path


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """Go on with a saved session, or with unsaved work, in place of the one that is open."""

    folder: Path


@dataclass(frozen=True, slots=True)
class Discard:
    """Throw unsaved work away."""

    folder: Path


KeepingRequest: TypeAlias = Save | OpenFolder | Discard


@dataclass(frozen=True, slots=True)
class Unsaved:
    """What was left behind on this image, the newest first."""

    found: tuple[JournalInfo, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """All labels of a frame, of a session that took the place of another.

    Parameters
    ----------
    frame : int
        Along the propagation axis.
    labels : ndarray of int, (y, x)
        What is shown there from now on.
    """

    frame: int
    labels: np.ndarray


class Keeper:
    """Keep the work on one image.

    Parameters
    ----------
    request : Open
        What was opened.
    base : Path, optional
        Where unsaved work is kept; by default in the user's data folder.
    """

    def __init__(self, request: Open, base: Path | None = None) -> None:
        self._name = request.name
        self._base = base
        self._request = request

    def begin(self, session: Session) -> tuple[Unsaved, str]:
        """Write every action from now on to disk.

        Returns
        -------
        found : Unsaved
            What there was before.
        trouble : str
            Why nothing will be kept; "" if all is well.
        """
        key = _key_of(self._request)
        found = Unsaved(tuple(unsaved_work(key, self._base)))
        try:
            begin_autosave(session, key, self._base)
        except Sam2Error as error:
            return found, f"Not kept in a crash: {error}"
        return found, ""

    def save(self, session: Session, folder: Path) -> str:
        """Save; returns a sentence for the user."""
        return save_session(session, folder, self._name, self._base)

    def open(self, folder: Path, session: Session, model: Any) -> Session:
        """Open a folder in place of a session; that one is ended only if it works out."""
        opened = open_session(folder, session.stack, model, intensity=session.intensity)
        self.end(session)
        return opened

    def discard(self, folder: Path) -> None:
        """Throw unsaved work away."""
        discard(folder, self._base)

    def end(self, session: Session) -> None:
        """Write no more; what is there stays."""
        end_autosave(session, self._base)


def _key_of(request: Open) -> ImageKey:
    placement = request.placement
    shape = tuple(int(n) for n in request.array.shape)
    way = f"{placement.axis} {placement.stack_position}"
    content = fingerprint(request.array, 3 if request.rgb else 2)
    return ImageKey(request.name, shape, str(request.array.dtype), way, content)
