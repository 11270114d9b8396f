"""Files and folders that appear complete or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["replacing"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write under a hidden name in the same folder, then take the place of the old file or folder.

    Parameters
    ----------
    path : Path
        What is to appear, or to be replaced.

    Yields
    ------
    Path
        Where to write a file or make a folder. If an exception leaves the block, it is removed and
        the old content stays.
    """
    mark = uuid.uuid4().hex[:8]
    new = path.with_name(f".{path.name}.{mark}.new")
    old = path.with_name(f".{path.name}.{mark}.old")
    try:
        yield new
        _flush(new)
        if new.is_dir() and path.is_dir():
            # a folder cannot take the place of a full one in one step
            path.rename(old)
            try:
                new.rename(path)
            except BaseException:
                old.rename(path)
                raise
            _remove(old)
        else:
            new.replace(path)
    finally:
        _remove(new)


def _flush(path: Path) -> None:
    """Have a file on the disk before its name is."""
    if path.is_file():
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def _remove(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
