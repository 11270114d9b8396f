"""What the worker does while nobody waits; with a stand-in for the session, and in a real window."""

from __future__ import annotations

import threading
from dataclasses import replace
from unittest.mock import create_autospec

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_sam2 import FrameScores, Point, Session
from napari_sam2._napari.messages import Encoded, Ghost, Hints, Hover, ObjectsNow, Recall, Said
from napari_sam2._napari.resting import Rest
from napari_sam2._napari.worker import Worker
from napari_sam2.model.config import CONFIGS
from napari_sam2.model.network import SAM2

HOVER = Hover(1, Point(2, (3, 4)))


class Recorder:
    stopped = others_wait = False

    def __init__(self) -> None:
        self.hints = Hints(frame=2)
        self.answers: list = []

    def say(self, answer) -> None:
        self.answers.append(answer)


@pytest.fixture
def session():
    session = create_autospec(Session, instance=True)
    session.object_ids = ()
    session.n_frames = 5
    session.encodings_kept = 5
    done = np.zeros(5, dtype=bool)
    session.encoded_frames.side_effect = done.copy

    def encode(frame: int) -> bool:
        assert not done[frame]
        done[frame] = True
        return True

    session.encode.side_effect = encode
    return session


def frames(session) -> list[int]:
    return [call.args[0] for call in session.encode.call_args_list]


def rest_until_done(session, job, **options) -> Rest:
    rest = Rest(session, **options)
    for _ in range(30):
        if not rest(job):
            return rest
    raise AssertionError("it never ends")


def test_planes_are_encoded_from_the_view_outwards(session) -> None:
    job = Recorder()
    rest_until_done(session, job)
    assert frames(session) == [2, 1, 3, 0, 4]
    assert [a for a in job.answers if isinstance(a, Encoded)] == [
        Encoded(n, 5) for n in (1, 2, 3, 4, 5)
    ]


def test_no_more_planes_than_there_is_room_for(session) -> None:
    session.encodings_kept = 3
    job = Recorder()
    job.hints = Hints(frame=4)
    rest_until_done(session, job)
    assert frames(session) == [4, 3, 2]


def test_session_that_sees_windows_encodes_nothing_ahead_and_rests(session) -> None:
    session.encode.side_effect = lambda frame: False
    job = Recorder()
    rest_until_done(session, job)
    assert session.encode.call_count == 1
    assert not [a for a in job.answers if isinstance(a, Encoded)]


def test_ghost_comes_before_everything_and_once(session) -> None:
    mask = np.ones((3, 3), dtype=bool)
    session.preview.return_value = mask
    job = Recorder()
    job.hints = Hints(2, HOVER)
    rest = rest_until_done(session, job)
    ghost = job.answers[0]
    assert (ghost.hover, ghost.mask is mask) == (HOVER, True)
    session.preview.assert_called_once_with(HOVER.point, HOVER.object_id, False)
    rest.disturb()  # a request was served: the same place may look different now
    assert rest(job)
    assert isinstance(job.answers[-1], Ghost)


def test_objects_are_told_after_every_request(session) -> None:
    session.object_ids = (4,)
    nothing = np.zeros(0)
    session.scores.return_value = FrameScores(
        np.array([1, 3]),
        *[np.ones(2)] * 3,
        np.array([7.0, 9.0]),
        np.ones(2),
        np.array([True, False]),
    )
    session.accepted_frames.return_value = frozenset({3})
    session.confidence.return_value = nothing
    session.name.return_value, session.is_locked.return_value = "b", True
    job = Recorder()
    rest = rest_until_done(session, job, encodes_ahead=False)
    (told,) = job.answers
    (found,) = told.objects
    assert (found.object_id, found.name, found.locked) == (4, "b", True)
    assert found.area.tolist()[1::2] == [7, 9]
    assert np.isnan(found.area[::2]).all()
    assert found.trusted.tolist() == [False, True, False, True, False]
    rest.disturb()
    rest(job)
    assert isinstance(job.answers[-1], ObjectsNow)


def test_request_waits_for_one_piece_at_most_and_hints_wake_the_worker(qtbot) -> None:
    gate, began = threading.Semaphore(0), threading.Event()
    log: list[str] = []

    def serve(request, job) -> None:
        log.append("request")
        job.say(Said("served"))

    def rest(job) -> bool:
        log.append(f"rest {job.hints.frame}")
        began.set()
        gate.acquire(timeout=10)
        return len(log) < 6

    worker = Worker(serve, rest)
    worker.hint(Hints(7))
    assert began.wait(10)
    worker.submit(Recall())
    gate.release()
    qtbot.waitUntil(lambda: "request" in log)
    assert log[:2] == ["rest 7", "request"]
    gate.release(20)
    qtbot.waitUntil(lambda: len(log) == 6)
    qtbot.wait(30)
    assert len(log) == 6  # it sleeps
    worker.hint(Hints(8))
    qtbot.waitUntil(lambda: log[-1] == "rest 8")
    worker.close()
    assert worker.wait(10)


def test_error_at_rest_is_reported_and_the_worker_lives(qtbot) -> None:
    def rest(job) -> bool:
        raise RuntimeError("at rest")

    worker = Worker(lambda request, job: None, rest)
    failed, finished = [], []
    worker.failed.connect(lambda number, error: failed.append((number, str(error))))
    worker.finished.connect(finished.append)
    worker.submit(Recall())
    qtbot.waitUntil(lambda: bool(failed))
    worker.submit(Recall())
    qtbot.waitUntil(lambda: len(finished) == 2)
    assert failed[0] == (0, "at rest")
    worker.close()
    assert worker.wait(10)


@pytest.fixture
def idle_window(open_window, stack, backend):
    return open_window(stack, replace(backend, encodes_ahead=True)).go_to(2).start()


@pytest.mark.gui
def test_encoding_ahead_shows_how_far_and_then_hides(idle_window) -> None:
    window = idle_window
    window.wait(lambda: window.state.encoded == Encoded(5, 5))
    assert (
        window.widget.progress_view.encoded.maximum(),
        window.widget.progress_view.encoded.value(),
    ) == (5, 5)
    assert not window.widget.progress_view.encoded.isVisible()
    window.click((20, 24))
    assert window.labels[2].any()


@pytest.mark.gui
def test_ghost_is_seen_where_the_mouse_is_and_is_no_layer(idle_window, caught) -> None:
    window = idle_window
    window.wait(lambda: window.state.encoded == Encoded(5, 5))
    assert window.widget.ghost.isChecked()
    n_layers, ghost = len(window.viewer.layers), window.controller.bench.ghost
    window.hover((20, 24))
    window.wait(lambda: ghost.is_shown)
    assert len(window.viewer.layers) == n_layers
    assert not window.labels.any()
    window.press_leave()
    window.wait(lambda: not ghost.is_shown)
    window.hover((20, 26))
    window.wait(lambda: ghost.is_shown)
    window.go_to(3)
    assert not ghost.is_shown
    window.hover((21, 24))
    window.wait(lambda: ghost.is_shown)
    window.widget.ghost.click()
    assert not ghost.is_shown
    window.hover((22, 24))
    window.qtbot.wait(150)
    assert not ghost.is_shown


@pytest.mark.gui
def test_large_model_on_the_processor_has_a_ghost_only_if_asked_and_on_planes(
    open_window, stack, backend, monkeypatch
) -> None:
    def load(_pick, _report):
        return SAM2(replace(CONFIGS["nano"])).eval()

    window = open_window(stack, replace(backend, load_model=load))
    window.wait(lambda: window.widget.setup.model.list.count() == 2)
    window.widget.setup.model.list.setCurrentIndex(1)
    monkeypatch.setattr(window.widget, "agrees", lambda _question: True)
    window.start()
    assert (window.state.ghost, window.state.can_ghost) == (False, True)
    window.widget.start.click()
    window.widget.setup.window_side.setValue(24)
    window.start()
    assert (window.state.ghost, window.state.can_ghost) == (False, False)
    assert "whole plane" in window.widget.ghost.toolTip()


@pytest.mark.gui
def test_ghost_of_a_window_is_what_the_click_gives(open_window, stack) -> None:
    window = open_window(stack).go_to(2)
    window.widget.setup.window_side.setValue(24)
    window.start()
    assert window.state.ghost
    told = []
    window.controller.worker.answered.connect(lambda _number, answer: told.append(answer))
    window.hover((20, 24))
    window.wait(lambda: window.controller.bench.ghost.is_shown)
    window.qtbot.wait(200)
    ghost = [each for each in told if isinstance(each, Ghost)][-1]
    window.click((20, 24))
    (click,) = window.controller.binding._known
    assert click.point == ghost.hover.point
    assert np.array_equal(window.labels[2] == 1, ghost.mask)


@pytest.mark.gui
def test_a_press_is_decoded_before_the_button_is_let_go(open_window, stack, monkeypatch) -> None:
    """Without a ghost too: napari adds the point when the button is released."""
    window = open_window(stack).go_to(2)
    window.widget.setup.window_side.setValue(24)
    window.start()
    window.widget.ghost.click()
    window.settle()
    asked = []
    preview = Session.preview

    def watched(self, point, *rest, **options):
        asked.append(point)
        return preview(self, point, *rest, **options)

    monkeypatch.setattr(Session, "preview", watched)
    place = window.on_canvas((20, 24))
    window.qtbot.mousePress(window.canvas, Qt.MouseButton.LeftButton, pos=place)
    window.wait(lambda: bool(asked))
    assert not len(window.prompts.data)
    window.qtbot.mouseRelease(window.canvas, Qt.MouseButton.LeftButton, pos=place)
    window.settle()
    window.qtbot.wait(100)
    assert len(asked) == 1, "nothing is decoded for a ghost that nobody wants"
    (click,) = window.controller.binding._known
    assert click.point == asked[0]
    assert (window.labels[2] == 1).any()
    assert not window.controller.bench.ghost.is_shown
