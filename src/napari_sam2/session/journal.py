"""A journal: every action and every tracked frame is on disk before it is shown, so that a crash loses nothing.

The layout is described in docs/session-folder.md, the reasons in docs/adr/0005.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from napari_sam2.engine.stop_rule import StopRule
from napari_sam2.errors import SessionError
from napari_sam2.session.folder_lock import FolderLock
from napari_sam2.session.history import ObjectChange
from napari_sam2.session.journal_format import (
    Entry,
    decode_line,
    encode_line,
    entry_from_json,
    entry_to_json,
)
from napari_sam2.session.storage import is_ours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from napari_sam2.engine.masks import Overlap
    from napari_sam2.session.labels import Labels, Painted
    from napari_sam2.session.state import ObjectState

__all__ = ["JOURNAL_FILE", "Journal", "JournalHead", "JournalInfo", "has_journal", "read_journal"]

FORMAT: Final = "napari-sam2 journal"
FORMAT_VERSION: Final = 1
JOURNAL_FILE: Final = "journal.jsonl"
_LOCK: Final = "journal.lock"


@dataclass(frozen=True, slots=True)
class JournalHead:
    """The first line: what the journal belongs to.

    Parameters
    ----------
    image : str
        Name of the image, for the user.
    shape : tuple of int
        (frame, y, x).
    model : str
        Name of the model.
    window_side, overlap, stop_rule, window_diameters, drops_islands
        See `Session`.
    """

    image: str
    shape: tuple[int, int, int]
    model: str
    window_side: int | None
    overlap: Overlap
    stop_rule: StopRule
    window_diameters: float = 0.0
    drops_islands: bool = False


@dataclass(frozen=True, slots=True)
class JournalInfo:
    """What there is to go on with.

    Parameters
    ----------
    folder : Path
        What `Session.recover` takes.
    image : str
        Name of the image; "" if it was not given.
    shape : tuple of int
        (frame, y, x) of the stack.
    model : str
        Name of the model.
    changed : datetime
        When something was written last, local time with its zone.
    object_ids : tuple of int
        The objects.
    in_use : bool
        A running session writes to it, so there is nothing to recover yet.
    """

    folder: Path
    image: str
    shape: tuple[int, int, int]
    model: str
    changed: datetime
    object_ids: tuple[int, ...]
    in_use: bool


class Journal:
    """An open journal; nobody else can write to it.

    Parameters
    ----------
    folder : Path
        It is made if need be.
    head : JournalHead
        What the journal belongs to.
    may_replace : bool
        Whether a journal that is there already was read, so that its content is in the session.

    Raises
    ------
    SessionError
        If the folder holds something else, a journal that was not read, or is in use.
    """

    def __init__(self, folder: Path, head: JournalHead, may_replace: bool = False) -> None:
        if folder.exists() and not is_ours(folder):
            raise SessionError(
                f"{folder} exists and is not a session; choose another folder for the journal."
            )
        self.folder = folder
        self.head = head
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = self._locked()
        self._file: BinaryIO | None = None
        if (folder / JOURNAL_FILE).exists() and not may_replace:
            self._lock.release()
            raise SessionError(
                f"{folder} holds the journal of another session; open it with Session.recover, or remove "
                "the folder."
            )

    @property
    def is_open(self) -> bool:
        """Whether changes are written."""
        return self._file is not None

    def append(
        self, changes: Iterable[ObjectChange], painted: Iterable[Painted], highest_id: int
    ) -> None:
        """Write a change; it survives the end of the process. Where the disk fails, the journal ends with a warning."""
        if self._file is None:
            return
        try:
            self._file.write(encode_line(entry_to_json(changes, painted, highest_id)))
            self._file.flush()
        except OSError as error:
            self.close()
            warnings.warn(
                f"the journal in {self.folder} could not be written ({error}); what is done from now on is "
                "lost in a crash: make room and call start_journal again, or save the session.",
                RuntimeWarning,
                stacklevel=2,
            )

    def write_anew(
        self, objects: Mapping[int, ObjectState], labels: Labels, highest_id: int
    ) -> None:
        """Begin the file again with the session as it is now, and go on after that."""
        self._close_file()
        new = self.folder / f"{JOURNAL_FILE}.new"
        try:
            self.write_to(new, objects, labels, highest_id)
            os.replace(new, self.folder / JOURNAL_FILE)
        finally:
            new.unlink(missing_ok=True)
            if (self.folder / JOURNAL_FILE).exists():
                self._file = (self.folder / JOURNAL_FILE).open("ab")

    def write_to(
        self, path: Path, objects: Mapping[int, ObjectState], labels: Labels, highest_id: int
    ) -> None:
        """Write the session as it is now to a file."""
        content = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(self.head)}
        with path.open("wb") as file:
            file.write(encode_line(content))
            for object_id, state in objects.items():
                whole = ObjectChange.between(object_id, None, state)
                file.write(encode_line(entry_to_json([whole], [], highest_id)))
            for area in labels.summary(objects):
                file.write(encode_line(entry_to_json([], [area], highest_id)))
            file.flush()
            os.fsync(file.fileno())

    def step_aside(self) -> None:
        """Let the folder be replaced; `step_back` goes on."""
        self._close_file()
        self._lock.release()

    def step_back(self) -> None:
        """Go on after the folder was replaced, or was not."""
        self._lock = self._locked()
        self._file = (self.folder / JOURNAL_FILE).open("ab")

    def close(self) -> None:
        """Write no more; the file stays."""
        self._close_file()
        self._lock.release()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _locked(self) -> FolderLock:
        try:
            return FolderLock(self.folder / _LOCK)
        except BlockingIOError as error:
            raise SessionError(
                f"the journal in {self.folder} is in use by another session; choose another folder."
            ) from error


def has_journal(folder: str | Path) -> JournalInfo | None:
    """Look whether a session can be recovered from a folder.

    Parameters
    ----------
    folder : str or Path
        Given to `Session.start_journal`.

    Returns
    -------
    JournalInfo or None
        None if there is no journal.

    Raises
    ------
    SessionError
        If there is one that can't be read.
    """
    folder = Path(folder)
    path = folder / JOURNAL_FILE
    if not path.is_file():
        return None
    lines = _lines(path)
    head = _head_from_json(path, next(lines, None))
    ids: set[int] = set()
    for content in lines:
        for change in content["objects"]:
            (ids.discard if change.get("removed") else ids.add)(change["object_id"])
    changed = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    in_use = FolderLock.is_held(folder / _LOCK)
    return JournalInfo(
        folder, head.image, head.shape, head.model, changed, tuple(sorted(ids)), in_use
    )


def read_journal(folder: Path) -> tuple[JournalHead, Iterator[Entry]]:
    """Read a journal up to its last whole line.

    Raises
    ------
    SessionError
        If it is missing, damaged from the start, or of a newer format.
    """
    path = folder / JOURNAL_FILE
    if not path.is_file():
        raise SessionError(
            f"{folder} has no journal to recover; open a saved session with Session.load."
        )
    lines = _lines(path)
    head = _head_from_json(path, next(lines, None))
    return head, (entry_from_json(content) for content in lines)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            content = decode_line(line)
            if content is None:
                if file.read(1):
                    warnings.warn(
                        f"{path} is damaged in the middle; what comes after that place is left out.",
                        RuntimeWarning,
                        stacklevel=2,
                    )
                return
            yield content


def _head_from_json(path: Path, content: dict[str, Any] | None) -> JournalHead:
    if content is None or content.get("format") != FORMAT:
        raise SessionError(f"{path} is damaged or not a journal; open the saved session instead.")
    if content["format_version"] > FORMAT_VERSION:
        raise SessionError(
            f"{path} has format version {content['format_version']}, this package reads up to "
            f"{FORMAT_VERSION}; update napari-sam2."
        )
    return JournalHead(
        content["image"],
        tuple(content["shape"]),
        content["model"],
        content["window_side"],
        content["overlap"],
        StopRule(**content["stop_rule"]),
        float(content.get("window_diameters", 0.0)),
        bool(content.get("drops_islands", False)),
    )
