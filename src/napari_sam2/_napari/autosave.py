"""Where unsaved work is kept, how it is found again, saved, opened and thrown away; the worker's side. No Qt, no napari.

Every image has a folder of its own in the user's data folder, named after its content, so that a file that was moved or
renamed is recognised; in it, every session has one::

    <data>/napari-sam2/autosave/nuclei-3f9a12c05b7e/20261121-153801/journal.jsonl
"""

from __future__ import annotations

import hashlib
import re
import shutil
import warnings
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_sam2.errors import SessionError
from napari_sam2.places import FOLDER_VARIABLE, data_folder

if TYPE_CHECKING:  # the rest of the package is loaded by the worker, when it is first used
    from pathlib import Path

    from napari_sam2.session import JournalInfo, Session

__all__ = [
    "ImageKey",
    "autosave_base",
    "begin_autosave",
    "discard",
    "end_autosave",
    "fingerprint",
    "open_session",
    "save_session",
    "unsaved_work",
]

_NAME_LENGTH: Final = 40


def autosave_base() -> Path:
    """Return the folder of all unsaved work."""
    return data_folder() / "autosave"


@dataclass(frozen=True, slots=True)
class ImageKey:
    """What tells one image, and one way through it, from all others.

    Parameters
    ----------
    name : str
        Of the layer; for people only, it may change.
    shape : tuple of int
        Of the data.
    dtype : str
        Of the data.
    way : str
        Which axis is followed, and where the others stand.
    content : str
        From `fingerprint`.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    way: str
    content: str

    def folder_in(self, base: Path) -> Path:
        """Return the image's folder; one that was made under another name of the image is found again."""
        facts = repr((self.shape, self.dtype, self.way, self.content)).encode()
        digest = hashlib.blake2b(facts, digest_size=6).hexdigest()
        for known in sorted(base.glob(f"*-{digest}")):
            return known
        name = re.sub(r"[^\w.]+", "-", self.name).strip("-.")[:_NAME_LENGTH] or "image"
        return base / f"{name}-{digest}"


def fingerprint(array: Any, n_plane_axes: int = 2) -> str:
    """Sum up the content of an image from its first, middle and last plane.

    Parameters
    ----------
    array : array-like
        Read lazily: three planes at most.
    n_plane_axes : int
        2, or 3 where the last axis holds colours.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=8)
    leading = tuple(int(n) for n in array.shape[: len(array.shape) - n_plane_axes])
    for index in dict.fromkeys(_spread(leading)):
        plane = np.ascontiguousarray(np.asarray(array[index]))
        digest.update(repr((index, plane.shape, plane.dtype.str)).encode())
        digest.update(plane.tobytes())
    return digest.hexdigest()


def _spread(sizes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the first, middle and last place."""
    return [
        tuple(0 for _ in sizes),
        tuple(n // 2 for n in sizes),
        tuple(n - 1 for n in sizes),
    ]


# the life of unsaved work


def begin_autosave(session: Session, key: ImageKey, base: Path | None = None) -> Path:
    """Let a session write every action to a new folder of its image.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    SessionError
        If no folder can be made there.
    """
    folder = _new_folder(key.folder_in(autosave_base() if base is None else base))
    session.start_journal(folder, key.name)
    return folder


def _new_folder(image_folder: Path) -> Path:
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    try:
        image_folder.mkdir(parents=True, exist_ok=True)
        for n in range(1000):
            folder = image_folder / (f"{stamp}-{n}" if n else stamp)
            try:
                folder.mkdir()
            except FileExistsError:  # of another window
                continue
            return folder
    except OSError as error:
        raise SessionError(
            f"{image_folder} cannot be made ({error}), so that nothing would be kept in a crash; make "
            f"room, or set {FOLDER_VARIABLE} to another folder."
        ) from error
    raise SessionError(f"{image_folder} is full; remove what is in it.")


def unsaved_work(key: ImageKey, base: Path | None = None) -> list[JournalInfo]:
    """List what was left behind on an image, the newest first.

    What another window writes to just now is left out, and so is what holds no object. What can't be read is named
    in a warning and stays where it is.
    """
    from napari_sam2.session import has_journal

    found = []
    for folder in key.folder_in(autosave_base() if base is None else base).glob("*/"):
        try:
            info = has_journal(folder)
        except SessionError as error:
            warnings.warn(f"{error} It is passed over.", RuntimeWarning, stacklevel=2)
            continue
        if info is not None and info.object_ids and not info.in_use:
            found.append(info)
    return sorted(found, key=lambda info: info.changed, reverse=True)


def discard(folder: Path, base: Path | None = None) -> None:
    """Throw unsaved work away for good.

    Raises
    ------
    SessionError
        If the folder is not one of ours: a saved session is never removed.
    """
    base = (autosave_base() if base is None else base).resolve()
    folder = folder.resolve()
    if base not in folder.parents or (folder / "session.json").exists():
        raise SessionError(
            f"{folder} is not unsaved work of ours (that is in {base}); remove it by hand if you are sure."
        )
    shutil.rmtree(folder)
    if not any(folder.parent.iterdir()):
        folder.parent.rmdir()


def end_autosave(session: Session, base: Path | None = None) -> None:
    """Write no more; unsaved work stays to be gone on with, an empty folder goes."""
    folder = session.journal_folder
    session.stop_journal()
    base = (autosave_base() if base is None else base).resolve()
    if folder is not None and not session.object_ids and base in folder.resolve().parents:
        discard(folder, base)


# saved sessions


def save_session(session: Session, folder: Path, image: str = "", base: Path | None = None) -> str:
    """Save a session, and keep what is done from now on beside it.

    Parameters
    ----------
    session : Session
        On the worker's thread.
    folder : Path
        New, or a saved session that is replaced.
    image : str
        Name of the image.
    base : Path, optional
        Where unsaved work is kept; what was kept of this session there is not needed any more.

    Returns
    -------
    str
        A sentence for the user.

    Raises
    ------
    SessionError
        If something else is there; the session stays as it is.
    """
    before = session.journal_folder
    session.save(folder)
    if before is None or before.resolve() != folder.resolve():
        session.start_journal(folder, image)
        ours = (autosave_base() if base is None else base).resolve()
        if before is not None and ours in before.resolve().parents:
            discard(before, ours)
    n = len(session.object_ids)
    return f"{n} object{'' if n == 1 else 's'} saved in {folder}."


def open_session(folder: Path, stack: Any, model: Any, **options: Any) -> Session:
    """Open a saved session, or unsaved work, and go on with it there.

    What was done after the last saving is in it, whether the program ended or was ended.

    Parameters
    ----------
    folder : Path
        From a dialog, or of a `JournalInfo`.
    stack, model, **options
        As `Session.load` takes them.

    Raises
    ------
    SessionError
        If it is no session, is in use, or is of an image of another shape.
    """
    from napari_sam2.session import Session, has_journal

    if has_journal(folder) is not None:
        return Session.recover(folder, stack, model, **options)
    session = Session.load(folder, stack, model, **options)
    session.start_journal(folder)
    return session
