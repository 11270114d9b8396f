"""The worker's side of a propagation: what is found is shown often, and how far it is, seldom. No Qt, no napari."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from napari_sam2._napari.messages import Masks, ObjectsNow, Said
from napari_sam2._napari.resting import objects_of
from napari_sam2.results import NO_SCORES, MaskUpdate, Progress

if TYPE_CHECKING:
    from napari_sam2._napari.host import Job
    from napari_sam2.session import Session

__all__ = ["propagate"]

_SHOW_EVERY_S = 0.1  # masks: the two threads take turns for each answer
_TELL_EVERY_S = 1.0  # how far a propagation is: each change makes Qt draw the whole window


def propagate(session: Session, job: Job) -> None:
    """Propagate until it is done, stopped, or another request waits; ends between two frames."""
    news = _News(session, job)
    run = session.propagate(progress=news.tell)
    try:
        for update in run:
            news.show(update)
            if job.stopped or job.others_wait:
                run.close()
                # other objects of this frame may be done, and not shown yet
                news.show(_whole_frame(session, update.frame))
                break
    finally:
        news.show_rest()
    if not news.left:
        job.say(Said("All frames are done."))
    elif job.stopped:
        job.say(Said(f"Stopped; {news.left} steps are left. Propagate goes on from here."))
    else:
        job.say(Said(f"Paused for your change; {news.left} steps are left. Propagate goes on."))


class _News:
    """What a propagation found, said at intervals.

    Attributes
    ----------
    left : int
        Steps that are not done.
    """

    def __init__(self, session: Session, job: Job) -> None:
        self.left = 0
        self._session, self._job = session, job
        self._found: list[MaskUpdate] = []
        self._shown = self._told = float("-inf")

    def tell(self, progress: Progress) -> None:
        """Say how far it is, and what is known of the objects."""
        self.left = progress.total - progress.done
        if monotonic() - self._told >= _TELL_EVERY_S:
            self._told = monotonic()
            now = ObjectsNow(objects_of(self._session))  # first, so that both are drawn together
            self._job.say(Progress(progress.done, progress.total, f"Tracking, {progress.what}"))
            self._job.say(now)

    def show(self, update: MaskUpdate) -> None:
        """Say what was found, together with what follows soon."""
        self._found.append(update)
        if monotonic() - self._shown >= _SHOW_EVERY_S:
            self.show_rest()

    def show_rest(self) -> None:
        """Say what was found and not said yet."""
        if self._found:
            self._shown = monotonic()
            self._job.say(Masks(tuple(self._found)))
            self._found.clear()


def _whole_frame(session: Session, frame: int) -> MaskUpdate:
    """Return all labels of a frame, as an update that belongs to no single object."""
    labels = session.labels[frame].copy()
    window = (0, 0, *labels.shape)
    return MaskUpdate(0, frame, window, labels > 0, labels, NO_SCORES, session.revision)
