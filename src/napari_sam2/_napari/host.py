"""The worker's side: owns the model and the session, and serves requests one after the other. No Qt, no napari."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_sam2._napari.backend import BUNDLED
from napari_sam2._napari.clicks import by_frame
from napari_sam2._napari.drawing_prompts import DrawnPrompts
from napari_sam2._napari.fetching import DownloadStopped, report_download
from napari_sam2._napari.host_wishes import say_all, say_masks, say_prompted, serve_wish
from napari_sam2._napari.keeping import Discard, Keeper, OpenFolder, Plane, Save
from napari_sam2._napari.messages import (
    AddPoints,
    Answer,
    Click,
    Close,
    Draw,
    Erase,
    Hints,
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
    Selected,
    SessionNow,
    Undo,
)
from napari_sam2._napari.propagating import propagate
from napari_sam2._napari.resting import Rest
from napari_sam2._napari.wishes import Call, UseModel
from napari_sam2.prompts import Point
from napari_sam2.results import MaskUpdate, Progress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_sam2._napari.backend import Backend
    from napari_sam2._napari.model_facts import ModelPick
    from napari_sam2.session import Session

__all__ = ["Host", "Job"]

_FOLLOWED = "propagate"  # what a session calls it in its history


class Job(Protocol):
    """A request that is being served."""

    @property
    def stopped(self) -> bool:
        """Whether the user wants it to end."""

    @property
    def others_wait(self) -> bool:
        """Whether other requests are waiting."""

    @property
    def hints(self) -> Hints:
        """What the user looks at."""

    def say(self, answer: Answer) -> None:
        """Give an answer; there may be many."""


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
        self._drawn = DrawnPrompts()
        self._rest: Rest | None = None
        self._keeper: Keeper | None = None
        self._model: Any = None
        self._pick: ModelPick | None = None

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
                self._let_go()
            case Save() | OpenFolder() | Discard() if session is not None:
                self._keep(session, request, job)
            case UseModel(name) if session is not None:
                self._use_model(session, name, job)
            case _ if session is not None:
                self._disturb()
                serve_session(session, request, job, self._drawn)
                self._see_device(session, job)

    def rest(self, job: Job) -> bool:
        """Do a small piece of work that nobody waits for; returns whether there is more."""
        return self._rest is not None and self._rest(job)

    def end(self) -> None:
        """Let everything go, when the thread ends."""
        self._let_go()

    def _let_go(self) -> None:
        """Close the session; unsaved work stays on disk."""
        session, keeper = self._session, self._keeper
        self._session = self._rest = self._keeper = None
        if session is not None and keeper is not None:
            keeper.end(session)

    def _keep(self, session: Session, request: Save | OpenFolder | Discard, job: Job) -> None:
        """Save, open or discard; an error leaves the session as it was."""
        assert self._keeper is not None  # there is one beside every session
        match request:
            case Save(folder):
                job.say(Said(self._keeper.save(session, folder)))
            case Discard(folder):
                self._keeper.discard(folder)
                job.say(Said("It was thrown away."))
            case OpenFolder(folder):
                opened = self._keeper.open(folder, session, self._model)
                say_all(_other_frames(session, opened), job)
                self._session, self._drawn = opened, DrawnPrompts()
                self._rest = self._rest_with(opened)
                n = len(opened.object_ids)
                job.say(Said(f"{n} object{'' if n == 1 else 's'} from {folder}."))
                if opened.object_ids:
                    job.say(Selected(opened.object_ids[0]))
                job.say(state_of(opened, self._drawn))

    def _see_device(self, session: Session, job: Job) -> None:
        """Say it when the session had to leave its device."""
        before, self._model = self._model, session.model
        if _is_on_cpu(session.model) and not _is_on_cpu(before):
            job.say(Said("The device ran out of memory; going on on the processor, slower."))

    def _use_model(self, session: Session, name: str, job: Job) -> None:
        """Let the session go on with another model; where it can't be loaded, everything stays as it was."""
        assert self._pick is not None  # of the session that is open
        pick = replace(self._pick, name=name)
        model = self._backend.load_model(pick, report_download(name, job))
        session.use_model(model)
        self._model, self._pick = model, pick
        self._disturb()
        job.say(Said(f"{name} is used from now on; masks that are there stay."))

    def _disturb(self) -> None:
        if self._rest is not None:
            self._rest.disturb()

    def _open(self, request: Open, job: Job) -> None:
        self._let_go()
        try:
            model = self._load(request.pick, job)
        except DownloadStopped:
            model = None
        if model is None or job.stopped:
            job.say(Said("Stopped."))
            return
        job.say(Progress(0, 0, "Reading the image"))
        self._session = self._backend.open_session(request, model)
        self._drawn = DrawnPrompts()
        self._rest = self._rest_with(self._session)
        is_fast = self._is_fast
        on_disk = not isinstance(self._session.labels, np.ndarray)
        job.say(Opened(is_fast, is_fast or request.window_side is None, on_disk))
        self._keeper = Keeper(request)
        if self._backend.keeps_work and request.autosaves:
            found, trouble = self._keeper.begin(self._session)
            if found.found:
                job.say(found)
            if trouble:
                job.say(Said(trouble))
        job.say(state_of(self._session, self._drawn))

    def _rest_with(self, session: Session) -> Rest:
        sees_windows = session.window_side is not None
        return Rest(session, self._backend.encodes_ahead, self._is_fast and sees_windows)

    @property
    def _is_fast(self) -> bool:
        """Whether the model answers at once where it runs."""
        return self._is_small or not _is_on_cpu(self._model)

    @property
    def _is_small(self) -> bool:
        name = self._pick.name if self._pick is not None else ""
        models = (BUNDLED, *self._backend.list_models())
        return any(choice.is_small for choice in models if choice.name == name)

    def _load(self, pick: ModelPick, job: Job) -> Any:
        if self._model is None or self._pick != pick:
            job.say(Progress(0, 0, f"Loading {pick.name}"))
            self._model = None  # two models at once might not fit
            self._model = self._backend.load_model(pick, report_download(pick.name, job))
            self._pick = pick
        return self._model


def serve_session(
    session: Session, request: Request, job: Job, drawn: DrawnPrompts | None = None
) -> None:
    """Serve a request about an open session, and tell how the session is then."""
    drawn = drawn or DrawnPrompts()
    match request:
        case AddPoints(object_id, points):
            for same_frame in by_frame(Click(object_id, p) for p in points).values():
                say_prompted(session.add_prompt(object_id, *same_frame), job)
        case RemovePoints(object_id, points):
            say_all(_remove(session, object_id, points), job)
        case Draw(drawing):
            drawn_prompt = drawn.prompt(session, drawing)
            say_prompted(session.add_prompt(drawing.object_id, drawn_prompt), job)
        case Erase(drawing):
            prompt = drawn.held(session).get(drawing)
            if prompt is not None:  # else another prompt took its place
                updates = session.remove_prompts(drawing.object_id, drawing.frame, prompt)
                say_all(updates, job)
        case Undo(with_followed):
            if with_followed and session.can_undo == _FOLLOWED:
                say_all(session.undo(), job)
            say_all(session.undo(), job)
        case Redo(with_followed):
            say_all(session.redo(), job)
            if with_followed and session.can_redo == _FOLLOWED:
                say_all(session.redo(), job)
        case Propagate():
            propagate(session, job)
        case Recall():
            pass
        case Call():
            _call(session, request, job, drawn)
            return
        case wish:
            serve_wish(session, wish, job)
    job.say(state_of(session, drawn))


def _call(session: Session, call: Call, job: Job, drawn: DrawnPrompts) -> None:
    """Serve a script; it gets the outcome when everything was said."""
    before = session.revision
    try:
        outcome = call.function(session)
        found = outcome if isinstance(outcome, list | tuple) else [outcome]
        say_masks((each for each in found if isinstance(each, MaskUpdate)), job)
        if session.revision != before and not call.is_step:
            job.say(state_of(session, drawn))
    except Exception as error:  # noqa: BLE001 - it is raised again in the script
        call.outcome.set_exception(error)
    else:
        call.outcome.set_result(outcome)


def state_of(session: Session, drawn: DrawnPrompts | None = None) -> SessionNow:
    """Sum up a session."""
    clicks = frozenset(
        Click(object_id, prompt)
        for object_id in session.object_ids
        for prompts in session.prompts(object_id).values()
        for prompt in prompts
        if isinstance(prompt, Point)
    )
    drawings = frozenset((drawn or DrawnPrompts()).held(session))
    pending = any(session.pending(object_id) for object_id in session.object_ids)
    highest = session.new_object_id() - 1
    return SessionNow(clicks, session.can_undo, session.can_redo, pending, drawings, highest)


def _remove(session: Session, object_id: int, points: tuple[Point, ...]) -> Iterable[MaskUpdate]:
    """Take back those points that the session has; others were never accepted."""
    if object_id not in session.object_ids:
        return
    for (_, frame), same_frame in by_frame(Click(object_id, p) for p in points).items():
        held = session.prompts(object_id).get(frame, ())
        known = [point for point in same_frame if point in held]
        if known:
            yield from session.remove_prompts(object_id, frame, *known)


def _other_frames(before: Session, after: Session) -> Iterable[Plane]:
    """Return the planes on which one session shows something and the other may show something else."""
    sessions = (before, after)
    frames = {int(f) for s in sessions for i in s.object_ids for f in s.scores(i).frame}
    return (Plane(frame, after.labels[frame].copy()) for frame in sorted(frames))


def _is_on_cpu(model: Any) -> bool:
    """Return whether a model computes on the processor."""
    parameters = getattr(model, "parameters", None)
    return parameters is None or next(iter(parameters())).device.type == "cpu"
