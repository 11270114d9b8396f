"""A download that tells how far it is and ends when the user wants. No Qt, no napari."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sam2.results import Progress

if TYPE_CHECKING:
    from typing import Protocol

    from napari_sam2._napari.backend import Report

    class Fetching(Protocol):
        """A request during which weights are fetched."""

        @property
        def stopped(self) -> bool:
            """Whether the user wants it to end."""

        def say(self, answer: Progress, /) -> None:
            """Tell how far it is."""


__all__ = ["DownloadStopped", "report_download"]


class DownloadStopped(Exception):
    """The user stopped a download."""


def report_download(name: str, job: Fetching) -> Report:
    """Return what a download of weights is to call with the bytes that are here, and in all.

    It tells the job once per megabyte, and raises `DownloadStopped` when the user wants the download to end.
    """
    told = -1

    def report(done: int, total: int) -> None:
        nonlocal told
        if job.stopped:
            raise DownloadStopped
        here = round(done / 1e6)
        if here != told:
            told = here
            job.say(Progress(here, max(1, round(total / 1e6)), f"Downloading {name} (MB)"))

    return report
