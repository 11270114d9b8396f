"""The worker's side: owns the model and the session, and serves requests one after the other. No Qt, no napari."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from napari_sam2._napari.clicks import by_frame
from napari_sam2._napari.messages import (
    AddPoints,
    Answer,
    Click,
    Close,
    ListModels,
    ModelList,
    Open,
    Opened,
    Propagate,
    Recall,
    Redo,
    RemovePoints,
    Request,
    Said,
    SessionNow,
    Undo,
)
from napari_sam2.prompts import Point
from napari_sam2.results import NO_SCORES, MaskUpdate, Progress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_sam2._napari.backend import Backend, Report
    from napari_sam2.session import Session

__all__ = ["Host", "Job"]


class Job(Protocol):
    """A request that is being served."""

    @property
    def stopped(self) -> bool:
        """Whether the user wants it to end."""

    @property
    def others_wait(self) -> bool:
        """Whether other requests are waiting."""

    def say(self, answer: Answer) -> None:
        """Give an answer; there may be many."""


class _Stopped(Exception):
    """A download was stopped by the user."""


class Host:
    """Serve requests with a session.

    Parameters
    ----------
    backend : Backend
        Where models and sessions come from.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._session: Session | None = None
        self._model: Any = None
        self._model_name = ""

    def serve(self, request: Request, job: Job) -> None:
        """Do what is asked; errors are raised, and leave the session as it was.

        Requests about a session that is not there (closed, or never opened) are passed over.
        """
        session = self._session
        match request:
            case ListModels():
                job.say(ModelList(self._backend.list_models()))
            case Open():
                self._open(request, job)
            case Close():
                self._session = None
            case _ if session is not None:
                serve_session(session, request, job)

    def _open(self, request: Open, job: Job) -> None:
        self._session = None
        try:
            model = self._load(request.model, job)
        except _Stopped:
            model = None
        if model is None or job.stopped:
            job.say(Said("Stopped."))
            return
        job.say(Progress(0, 0, "Reading the image"))
        self._session = self._backend.open_session(request, model)
        job.say(Opened())
        job.say(state_of(self._session))

    def _load(self, name: str, job: Job) -> Any:
        if self._model is None or self._model_name != name:
            job.say(Progress(0, 0, f"Loading {name}"))
            self._model = None  # two models at once might not fit
            self._model = self._backend.load_model(name, _report(name, job))
            self._model_name = name
        return self._model


def serve_session(session: Session, request: Request, job: Job) -> None:
    """Serve a request about an open session, and tell how the session is then."""
    match request:
        case AddPoints(object_id, points):
            for same_frame in by_frame(Click(object_id, p) for p in points).values():
                job.say(session.add_prompt(object_id, *same_frame))
        case RemovePoints(object_id, points):
            _say_all(_remove(session, object_id, points), job)
        case Undo():
            _say_all(session.undo(), job)
        case Redo():
            _say_all(session.redo(), job)
        case Propagate():
            _propagate(session, job)
        case Recall():
            pass
    job.say(state_of(session))


def state_of(session: Session) -> SessionNow:
    """Sum up a session."""
    clicks = frozenset(
        Click(object_id, prompt)
        for object_id in session.object_ids
        for prompts in session.prompts(object_id).values()
        for prompt in prompts
        if isinstance(prompt, Point)
    )
    pending = any(session.pending(object_id) for object_id in session.object_ids)
    return SessionNow(clicks, session.can_undo, session.can_redo, pending)


def _remove(session: Session, object_id: int, points: tuple[Point, ...]) -> Iterable[MaskUpdate]:
    """Take back those points that the session has; others were never accepted."""
    if object_id not in session.object_ids:
        return
    for (_, frame), same_frame in by_frame(Click(object_id, p) for p in points).items():
        held = session.prompts(object_id).get(frame, ())
        known = [point for point in same_frame if point in held]
        if known:
            yield from session.remove_prompts(object_id, frame, *known)


def _propagate(session: Session, job: Job) -> None:
    """Propagate until it is done, stopped, or another request waits; ends between two frames."""
    steps: list[Progress] = []

    def on_step(progress: Progress) -> None:
        steps.append(progress)
        job.say(Progress(progress.done, progress.total, f"Tracking, {progress.what}"))

    run = session.propagate(progress=on_step)
    for update in run:
        job.say(update)
        if job.stopped or job.others_wait:
            run.close()
            # other objects of this frame may be done, and not shown yet
            job.say(_whole_frame(session, update.frame))
            break
    left = steps[-1].total - steps[-1].done if steps else 0
    if not left:
        job.say(Said("All frames are done."))
    elif job.stopped:
        job.say(Said(f"Stopped; {left} steps are left. Propagate goes on from here."))
    else:
        job.say(Said(f"Paused for your change; {left} steps are left. Propagate goes on."))


def _whole_frame(session: Session, frame: int) -> MaskUpdate:
    """Return all labels of a frame, as an update that belongs to no single object."""
    labels = session.labels[frame].copy()
    window = (0, 0, *labels.shape)
    return MaskUpdate(0, frame, window, labels > 0, labels, NO_SCORES, session.revision)


def _say_all(answers: Iterable[Answer], job: Job) -> None:
    for answer in answers:
        job.say(answer)


def _report(name: str, job: Job) -> Report:
    """Tell how far a download is, in whole percent, and stop it when the user wants."""
    told = -1

    def report(done: int, total: int) -> None:
        nonlocal told
        if job.stopped:
            raise _Stopped
        percent = 100 * done // max(total, 1)
        if percent != told:
            told = percent
            job.say(Progress(percent, 100, f"Downloading {name}"))

    return report
