"""Fetch one file from the Hugging Face Hub so that an interrupted download goes on where it was.

The Hub's own library keeps nothing of a download that was stopped, which hurts with 900 MB on a slow
line. Its addresses, settings, proxies and checks of the answers are used here; only the bytes are
written by us.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from typing import TYPE_CHECKING, Final

from huggingface_hub import get_hf_file_metadata, get_session, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # public, but loaded lazily
    WeakFileLock,
    build_hf_headers,
    hf_raise_for_status,
)

from napari_sam2.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_sam2.model.hub import Report

__all__ = ["fetch"]

_ATTEMPTS: Final = 5
_PAUSE: Final = 1.0  # seconds between attempts
_TIMEOUT: Final = 30.0  # seconds without a byte
_SHA256 = re.compile(r"[0-9a-f]{64}")


def fetch(repo: str, filename: str, target: Path, report: Report) -> None:
    """Fetch a file.

    Parameters
    ----------
    repo, filename : str
        On the Hugging Face Hub (or where HF_ENDPOINT points).
    target : Path
        Appears when the file is complete and its checksum is right. Until then its beginning is
        kept beside it, under the same name with the version and ``.part`` added.
    report : callable
        Called with (bytes here, bytes in all). What it raises stops the download and comes out of here.

    Raises
    ------
    DownloadError
        If there is no connection, no such file, no room on the disk, or what arrived is damaged.
    """
    url = hf_hub_url(repo, filename)
    size, version = _ask(url)
    part = target.with_name(f"{target.name}.{version[:12]}.part")
    before = _stamp(target)
    stopped: list[BaseException] = []

    def watched(done: int, total: int) -> None:
        try:
            report(done, total)
        except BaseException as error:
            stopped.append(error)
            raise

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(f"{target}.lock", timeout=_TIMEOUT):
            if _stamp(target) != before:  # another process fetched it while we waited
                return
            _check_room(part, size)
            _complete(url, part, size, watched)
            _check(part, size, version)
            part.replace(target)
            for stale in target.parent.glob(f"{target.name}.*.part"):  # of older versions
                stale.unlink()
    except OSError as error:
        if stopped or isinstance(error, DownloadError):
            raise
        if isinstance(error, TimeoutError):
            raise DownloadError(f"another process is fetching {target} just now.") from error
        raise DownloadError(f"{target} cannot be written ({error}).") from error


def _ask(url: str) -> tuple[int, str]:
    """Ask for the size of a file and for the name of its version, which is the SHA-256 of large files."""
    try:
        found = get_hf_file_metadata(url)
    except Exception as error:  # of httpx or httpx2, depending on the version of huggingface_hub
        raise DownloadError(f"{url} gives no answer ({_reason(error)}).") from error
    if not found.size or not found.etag:
        raise DownloadError(f"{url} does not say how large the file is; a proxy may be in the way.")
    return found.size, re.sub(r"\W", "", found.etag)


def _complete(url: str, part: Path, size: int, report: Report) -> None:
    """Append what is missing; go on after a cut connection as long as something arrives."""
    idle = 0
    while (done := _length(part)) < size:
        report(done, size)
        problem = _append(url, part, size, report)
        idle = 0 if _length(part) > done else idle + 1
        if idle == _ATTEMPTS:
            raise DownloadError(
                f"the connection to {url} was cut {idle} times in a row ({problem}); "
                f"{done / 1e6:,.0f} of {size / 1e6:,.0f} MB are kept, the next try goes on from there."
            )
        if problem:
            time.sleep(_PAUSE)
    report(size, size)


def _append(url: str, part: Path, size: int, report: Report) -> str:
    """Append what one connection brings; return what cut it short, "" if nothing did."""
    begin = _length(part)
    with part.open("r+b" if begin else "wb") as file:
        try:
            for offset, chunk in _stream(url, begin):
                file.seek(offset)
                file.truncate()
                file.write(chunk)
                report(offset + len(chunk), size)
        except _CutError as error:
            return str(error)
    return ""


class _CutError(Exception):
    """The connection broke; another attempt may help."""


def _stream(url: str, begin: int) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, bytes) of a file from `begin` on, or from 0 where a server gives no parts."""
    headers = build_hf_headers(library_name="napari-sam2")
    headers |= {"Accept-Encoding": "identity", "Range": f"bytes={begin}-"}
    try:
        with get_session().stream(
            "GET", url, headers=headers, timeout=_TIMEOUT, follow_redirects=True
        ) as response:
            hf_raise_for_status(response)
            offset = begin if response.status_code == 206 else 0
            for chunk in response.iter_bytes():  # of any size: what is held back is lost in a cut
                yield offset, chunk
                offset += len(chunk)
    except Exception as error:
        if isinstance(error, HfHubHTTPError) and _is_final(error):
            raise DownloadError(f"{url} is refused ({_reason(error)}).") from error
        raise _CutError(_reason(error)) from error


def _is_final(error: HfHubHTTPError) -> bool:
    """Whether asking again is useless: the server is there and says no."""
    return error.response.status_code < 500 and error.response.status_code not in (408, 429)


def _check_room(part: Path, size: int) -> None:
    missing = size - _length(part)
    free = shutil.disk_usage(part.parent).free
    if missing > free:
        raise DownloadError(
            f"{part.parent} has room for {free / 1e6:,.0f} MB, {missing / 1e6:,.0f} MB are needed; "
            "the environment variable NAPARI_SAM2_WEIGHTS chooses another folder."
        )


def _check(part: Path, size: int, version: str) -> None:
    """Throw away what is not the file; the Hub names large files by their checksum, others may not."""
    is_right = _length(part) == size
    if is_right and _SHA256.fullmatch(version):
        with part.open("rb") as file:
            is_right = hashlib.file_digest(file, "sha256").hexdigest() == version
    if not is_right:
        part.unlink()
        raise DownloadError("what arrived is damaged (its checksum is wrong) and was thrown away.")


def _length(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _stamp(file: Path) -> int:
    return file.stat().st_mtime_ns if file.exists() else 0


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
