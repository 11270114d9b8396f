"""The worker's side, with stand-ins for session and job."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import call, create_autospec

import numpy as np
import pytest

from napari_sam2 import MaskUpdate, Point, Progress, Session
from napari_sam2._napari.backend import Backend
from napari_sam2._napari.coordinates import Placement
from napari_sam2._napari.host import Host, Job, serve_session, state_of
from napari_sam2._napari.messages import (
    AddPoints,
    Click,
    Close,
    Hints,
    ListModels,
    Masks,
    ModelChoice,
    ModelList,
    Open,
    Opened,
    Propagate,
    Recall,
    Redo,
    RemovePoints,
    Said,
    SessionNow,
    Undo,
)
from napari_sam2._napari.model_facts import ModelPick
from napari_sam2.errors import DownloadError, PromptError
from napari_sam2.results import NO_SCORES

PLACEMENT = Placement((4, 3, 2), axis=0, position=(0, 0, 0), names=("z", "y", "x"))
A, B, C = Point(1, (1, 1)), Point(1, (2, 1), positive=False), Point(2, (0, 0))


def update(frame: int, revision: int) -> MaskUpdate:
    labels = np.ones((1, 1), dtype=np.uint16)
    return MaskUpdate(1, frame, (0, 0, 1, 1), labels > 0, labels, NO_SCORES, revision)


class Recorder:
    """A job that remembers what was said."""

    def __init__(self) -> None:
        self.stopped = False
        self.others_wait = False
        self.hints = Hints()
        self.answers: list = []

    def say(self, answer) -> None:
        self.answers.append(answer)


@pytest.fixture
def job() -> Job:
    return Recorder()


@pytest.fixture(autouse=True)
def _no_objects(monkeypatch) -> None:
    """A stand-in has no scores to sum up."""
    monkeypatch.setattr("napari_sam2._napari.propagating.objects_of", lambda _session: ())


@pytest.fixture
def session():
    session = create_autospec(Session, instance=True)
    session.object_ids = (1,)
    session.prompts.return_value = {1: (A, B)}
    session.pending.return_value = [0]
    session.can_undo, session.can_redo, session.revision = "add prompt", "", 10
    session.new_object_id.return_value = 2
    session.window_side = None
    session.labels = np.arange(24, dtype=np.uint16).reshape(4, 3, 2)
    return session


@pytest.fixture
def backend(session):
    return Backend(
        list_models=create_autospec(Backend().list_models),
        load_model=create_autospec(Backend().load_model, return_value="the model"),
        open_session=create_autospec(Backend().open_session, return_value=session),
        keeps_work=False,
    )


NOW = SessionNow(
    frozenset({Click(1, A), Click(1, B)}), "add prompt", "", pending=True, highest_id=1
)


def test_state_sums_the_session_up(session) -> None:
    assert state_of(session) == NOW
    session.pending.return_value = []
    assert not state_of(session).pending


def test_points_are_added_together_by_frame(session, job) -> None:
    first, second = update(1, 1), update(2, 2)
    session.add_prompt.side_effect = [first, second]
    serve_session(session, AddPoints(1, (A, C, B)), job)
    assert session.add_prompt.call_args_list == [call(1, A, B), call(1, C)]
    assert job.answers == [first, second, NOW]


def test_points_that_the_session_has_are_removed(session, job) -> None:
    session.remove_prompts.return_value = [update(1, 1)]
    serve_session(session, RemovePoints(1, (A, C)), job)  # C was never accepted
    session.remove_prompts.assert_called_once_with(1, 1, A)
    serve_session(session, RemovePoints(7, (A,)), job)  # nor was object 7
    assert session.remove_prompts.call_count == 1
    assert job.answers[1:] == [NOW, NOW]


@pytest.mark.parametrize(("request_", "name"), [(Undo(), "undo"), (Redo(), "redo")])
def test_undo_and_redo_say_what_changed(session, job, request_, name) -> None:
    updates = [update(1, 3), update(2, 4)]
    getattr(session, name).return_value = updates
    serve_session(session, request_, job)
    assert job.answers == [*updates, NOW]


def test_recall_only_tells_the_state(session, job) -> None:
    serve_session(session, Recall(), job)
    assert job.answers == [NOW]
    assert not session.add_prompt.called


def propagation(session, per_step: int, n_steps: int = 3) -> list[str]:
    """Let the stand-in propagate; returns the log of what it did."""
    log: list[str] = []

    def propagate(*, progress):
        try:
            for step in range(n_steps):
                log.append(f"frame {step}")
                progress(Progress(step + 1, n_steps, f"frame {step}"))
                for i in range(per_step):
                    yield update(step, 100 * step + i)
        finally:
            log.append("closed")

    session.propagate.side_effect = propagate
    return log


def masks_shown(job) -> list[MaskUpdate]:
    """Return the masks of a propagation, in order."""
    return [update for a in job.answers if isinstance(a, Masks) for update in a.updates]


def test_propagation_says_every_step_and_update(session, job, monkeypatch) -> None:
    monkeypatch.setattr("napari_sam2._napari.propagating._TELL_EVERY_S", 0.0)
    propagation(session, per_step=1)
    serve_session(session, Propagate(), job)
    progress = [a for a in job.answers if isinstance(a, Progress)]
    assert [(p.done, p.total, p.what) for p in progress] == [
        (i, 3, f"Tracking, frame {i - 1}") for i in (1, 2, 3)
    ]
    assert [each.frame for each in masks_shown(job)] == [0, 1, 2]
    assert job.answers[-2:] == [Said("All frames are done."), NOW]


def test_steps_that_are_fast_are_not_all_told(session, job) -> None:
    propagation(session, per_step=1)
    serve_session(session, Propagate(), job)
    assert [a.done for a in job.answers if isinstance(a, Progress)] == [1]


def test_masks_that_come_fast_are_said_together_but_the_first(session, job) -> None:
    propagation(session, per_step=2)
    serve_session(session, Propagate(), job)
    said = [[each.frame for each in a.updates] for a in job.answers if isinstance(a, Masks)]
    assert said == [[0], [0, 1, 1, 2, 2]]


def test_masks_that_come_slowly_are_said_one_by_one(session, job, monkeypatch) -> None:
    monkeypatch.setattr("napari_sam2._napari.propagating._SHOW_EVERY_S", 0.0)
    propagation(session, per_step=1)
    serve_session(session, Propagate(), job)
    assert [len(a.updates) for a in job.answers if isinstance(a, Masks)] == [1, 1, 1]


def test_masks_that_were_found_before_an_error_are_shown(session, job) -> None:
    def propagate(*, progress):
        progress(Progress(1, 2, "frame 0"))
        yield update(0, 1)
        yield update(1, 2)
        raise OSError("disk full")

    session.propagate.side_effect = propagate
    with pytest.raises(OSError, match="disk full"):
        serve_session(session, Propagate(), job)
    assert [each.frame for each in masks_shown(job)] == [0, 1]


def test_propagation_without_anything_to_do_says_so(session, job) -> None:
    propagation(session, per_step=1, n_steps=0)
    serve_session(session, Propagate(), job)
    assert job.answers == [Said("All frames are done."), NOW]


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("stopped", "Stopped; 2 steps are left. Propagate goes on from here."),
        ("others_wait", "Paused for your change; 2 steps are left. Propagate goes on."),
    ],
)
def test_propagation_ends_at_the_next_frame_and_shows_all_of_it(session, job, reason, text) -> None:
    log = propagation(session, per_step=2)
    setattr(job, reason, True)
    serve_session(session, Propagate(), job)
    assert log == ["frame 0", "closed"]  # the second frame was not begun
    first, whole = masks_shown(job)
    assert first.frame == whole.frame == 0
    assert whole.window == (0, 0, 3, 2)
    assert np.array_equal(whole.labels, session.labels[0])
    assert not np.shares_memory(whole.labels, session.labels)
    assert whole.revision == session.revision
    assert Said(text) in job.answers


def test_error_of_the_session_is_raised(session, job) -> None:
    session.add_prompt.side_effect = PromptError("nowhere")
    with pytest.raises(PromptError, match="nowhere"):
        serve_session(session, AddPoints(1, (A,)), job)


def open_request(model: str = "nano") -> Open:
    return Open(np.zeros((4, 3, 2)), PLACEMENT, rgb=False, pick=ModelPick(model))


def test_open_loads_the_model_and_begins_a_session(backend, session, job) -> None:
    host, request = Host(backend), open_request()
    host.serve(request, job)
    assert backend.load_model.call_args.args[0] == ModelPick("nano")
    backend.open_session.assert_called_once_with(request, "the model")
    assert [a for a in job.answers if not isinstance(a, Progress)] == [Opened(), NOW]
    assert [a.what for a in job.answers if isinstance(a, Progress)] == [
        "Loading nano",
        "Reading the image",
    ]


def test_model_is_loaded_again_only_when_it_is_another(backend, job) -> None:
    host = Host(backend)
    for name in ("nano", "nano", "big", "nano"):
        host.serve(open_request(name), job)
    assert [c.args[0].name for c in backend.load_model.call_args_list] == ["nano", "big", "nano"]


def test_failed_model_is_loaded_again(backend, job) -> None:
    host = Host(backend)
    backend.load_model.side_effect = [DownloadError("no network"), "the model"]
    with pytest.raises(DownloadError):
        host.serve(open_request(), job)
    host.serve(AddPoints(1, (A,)), job)  # passed over: there is no session
    host.serve(open_request(), job)
    assert Opened() in job.answers


def test_requests_without_a_session_are_passed_over(backend, session, job) -> None:
    host = Host(backend)
    host.serve(Propagate(), job)
    host.serve(open_request(), job)
    host.serve(Close(), job)
    job.answers.clear()
    for request in (
        AddPoints(1, (A,)),
        RemovePoints(1, (A,)),
        Propagate(),
        Undo(),
        Redo(),
        Recall(),
    ):
        host.serve(request, job)
    assert job.answers == []
    assert not session.add_prompt.called


def test_download_tells_whole_megabytes(backend, job) -> None:
    def load(_name, report):
        for done in range(0, 100_000_001, 200_000):
            report(done, 100_000_000)
        return "the model"

    Host(replace(backend, load_model=load)).serve(open_request("big"), job)
    told = [a.done for a in job.answers if isinstance(a, Progress) and "Downloading" in a.what]
    assert told == list(range(101))


def test_download_can_be_stopped(backend, job) -> None:
    def load(_name, report):
        report(10, 100)
        job.stopped = True
        report(20, 100)
        pytest.fail("the download went on")

    Host(replace(backend, load_model=load)).serve(open_request("big"), job)
    assert job.answers[-1] == Said("Stopped.")
    assert Opened() not in job.answers


def test_opening_can_be_stopped_while_the_model_loads(backend, job) -> None:
    job.stopped = True
    Host(backend).serve(open_request(), job)
    assert job.answers[-1] == Said("Stopped.")
    assert not backend.open_session.called


def test_models_are_listed(backend, job) -> None:
    models = (ModelChoice("nano", "nano (bundled)"),)
    backend.list_models.return_value = models
    Host(backend).serve(ListModels(), job)
    assert job.answers == [ModelList(models)]
