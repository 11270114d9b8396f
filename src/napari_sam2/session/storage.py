"""A session on disk: JSON for prompts and masks, zarr for the labels, readable without this package.

The layout is described in docs/session-folder.md.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_sam2.engine.stop_rule import StopRule
from napari_sam2.errors import SessionError
from napari_sam2.session.json_format import object_from_json, object_to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from napari_sam2.engine.masks import Overlap
    from napari_sam2.session.state import ObjectState

__all__ = ["SavedSession", "is_ours", "planes_of", "read", "write"]

FORMAT: Final = "napari-sam2 session"
FORMAT_VERSION: Final = 1
JOURNAL_FILES: Final = frozenset({"journal.jsonl", "journal.jsonl.new", "journal.lock"})


@dataclass(frozen=True, slots=True, eq=False)
class SavedSession:
    """What a session folder holds.

    Parameters
    ----------
    shape : tuple of int
        (frame, y, x) of the stack.
    model : str
        Name of the model that was used.
    highest_id : int
        Ids up to this one were used.
    window_side : int or None
        See `Session`.
    overlap : str
        See `Session`.
    stop_rule : StopRule
        See `Session`.
    objects : mapping of int to ObjectState
        The objects.
    labels : array-like of unsigned int, (frame, y, x)
        The label image; it is read plane by plane.
    window_diameters : float
        See `Session`.
    drops_islands : bool
        See `Session`.
    """

    shape: tuple[int, int, int]
    model: str
    highest_id: int
    window_side: int | None
    overlap: Overlap
    stop_rule: StopRule
    objects: Mapping[int, ObjectState]
    labels: Any
    window_diameters: float = 0.0
    drops_islands: bool = False


def write(
    folder: Path, session: SavedSession, also: Callable[[Path], None] = lambda _: None
) -> None:
    """Write a session folder beside its final place, then put it there.

    Parameters
    ----------
    folder : Path
        It is made; an earlier session there is replaced.
    session : SavedSession
        What to write.
    also : callable, optional
        Writes more into the folder while it is made.

    Raises
    ------
    SessionError
        If something else than a session is there already.
    """
    if folder.exists() and not is_ours(folder):
        raise SessionError(f"{folder} exists and is not a saved session; choose another folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write_labels(new / "labels.zarr", session.labels)
        (new / "objects").mkdir()
        for object_id, state in session.objects.items():
            _write_json(new / "objects" / f"{object_id}.json", object_to_json(state))
        _write_json(new / "session.json", _head(session))
        also(new)
        _put_in_place(new, folder)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def is_ours(folder: Path) -> bool:
    """Tell whether a folder is a saved session, or holds nothing but a journal."""
    if (folder / "session.json").is_file():
        return True
    return folder.is_dir() and {p.name for p in folder.iterdir()} <= JOURNAL_FILES


def _put_in_place(new: Path, folder: Path) -> None:
    old = _previous(folder)
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        os.replace(folder, old)
    os.replace(new, folder)
    shutil.rmtree(old, ignore_errors=True)


def _previous(folder: Path) -> Path:
    """Where the earlier session lies while the new one takes its place."""
    return folder.with_name(f".{folder.name}-previous")


def read(folder: Path) -> SavedSession:
    """Read a session folder.

    Raises
    ------
    SessionError
        If it is missing, damaged, or of a newer format.
    """
    if not folder.exists() and _previous(folder).exists():  # a crash between two renames
        os.replace(_previous(folder), folder)
    path = folder / "session.json"
    if not path.is_file():
        raise SessionError(
            f"{folder} is not a saved session (it has no session.json); choose its folder."
        )
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
        if head.get("format") != FORMAT or head["format_version"] > FORMAT_VERSION:
            raise SessionError(
                f"{folder} has format {head.get('format')!r} version {head.get('format_version')!r}, "
                f"this package reads {FORMAT!r} up to {FORMAT_VERSION}; update napari-sam2."
            )
        objects = {i: _read_object(folder / "objects" / f"{i}.json") for i in head["objects"]}
        return SavedSession(
            shape=tuple(head["shape"]),
            model=head["model"],
            highest_id=head["highest_id"],
            window_side=head["window_side"],
            overlap=head["overlap"],
            stop_rule=StopRule(**head["stop_rule"]),
            objects=objects,
            labels=_open_labels(folder / "labels.zarr"),
            window_diameters=float(head.get("window_diameters", 0.0)),
            drops_islands=bool(head.get("drops_islands", False)),
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, SessionError):
            raise
        raise _damaged(folder, error) from error


def _damaged(folder: Path, error: Exception) -> SessionError:
    return SessionError(
        f"{folder} is damaged ({type(error).__name__}: {error}); use a copy of it, or start anew."
    )


def _head(session: SavedSession) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "shape": list(session.shape),
        "axes": ["frame", "y", "x"],
        "model": session.model,
        "highest_id": session.highest_id,
        "window_side": session.window_side,
        "window_diameters": session.window_diameters,
        "drops_islands": session.drops_islands,
        "overlap": session.overlap,
        "stop_rule": asdict(session.stop_rule),
        "objects": sorted(session.objects),
    }


def _write_labels(path: Path, labels: Any) -> None:
    import zarr

    chunks = (1, *labels.shape[1:])
    array = zarr.create_array(path, shape=labels.shape, dtype=labels.dtype, chunks=chunks)
    for frame in range(labels.shape[0]):
        array[frame] = np.asarray(labels[frame])


def _open_labels(path: Path) -> Any:
    import zarr

    return zarr.open_array(path, mode="r")


def planes_of(folder: Path, saved: SavedSession) -> Iterator[tuple[int, np.ndarray]]:
    """Read the labels of a saved session, frame by frame.

    Raises
    ------
    SessionError
        If they are damaged.
    """
    try:
        for frame in range(saved.labels.shape[0]):
            yield frame, np.asarray(saved.labels[frame])
    except (OSError, ValueError, RuntimeError) as error:
        raise _damaged(folder, error) from error


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _read_object(path: Path) -> ObjectState:
    return object_from_json(json.loads(path.read_text(encoding="utf-8")))
