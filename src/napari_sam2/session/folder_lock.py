"""A folder that one process at a time may write to; the system gives it free when the process ends, however it ends."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FolderLock"]


class FolderLock:
    """Hold a folder.

    Parameters
    ----------
    file : Path
        It is made, and stays.

    Raises
    ------
    BlockingIOError
        If another process, or another session of this one, holds it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file.open("ab")
        try:
            _lock(self._file)
        except OSError as error:
            self._file.close()
            raise BlockingIOError(f"{file} is held by another process") from error

    def release(self) -> None:
        """Give the folder free."""
        self._file.close()

    @staticmethod
    def is_held(file: Path) -> bool:
        """Tell whether somebody holds the folder."""
        if not file.exists():
            return False
        try:
            FolderLock(file).release()
        except BlockingIOError:
            return True
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
