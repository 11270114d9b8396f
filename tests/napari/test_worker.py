"""The one thread: order, signals on the GUI thread, errors, stop and close."""

from __future__ import annotations

import threading

import pytest

from napari_sam2._napari.messages import ListModels, Propagate, Recall, Said, Undo
from napari_sam2._napari.worker import Worker


class Ears:
    """Listens to a worker, and knows on which thread."""

    def __init__(self, worker: Worker) -> None:
        self.heard: list[tuple] = []
        self.threads: set[int] = set()
        worker.answered.connect(self.on_answer)
        worker.finished.connect(self.on_finished)
        worker.failed.connect(self.on_failed)

    def on_answer(self, number, answer) -> None:
        self.note(number, answer)

    def on_finished(self, number) -> None:
        self.note(number, "finished")

    def on_failed(self, number, error) -> None:
        self.note(number, error)

    def note(self, number, what) -> None:
        self.heard.append((number, what))
        self.threads.add(threading.get_ident())


@pytest.fixture
def start(qapp):
    workers = []

    def make(serve) -> tuple[Worker, Ears]:
        worker = Worker(serve)
        workers.append(worker)
        return worker, Ears(worker)

    yield make
    for worker in workers:
        worker.close()
        assert worker.wait(10)


def test_requests_are_served_in_order_on_one_other_thread(start, qtbot) -> None:
    threads = []

    def serve(request, job) -> None:
        threads.append(threading.current_thread())
        job.say(Said(type(request).__name__))

    worker, ears = start(serve)
    assert [worker.submit(r) for r in (ListModels(), Undo(), Recall())] == [1, 2, 3]
    qtbot.waitUntil(lambda: len(ears.heard) == 6)
    assert ears.heard == [
        (1, Said("ListModels")),
        (1, "finished"),
        (2, Said("Undo")),
        (2, "finished"),
        (3, Said("Recall")),
        (3, "finished"),
    ]
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()
    assert ears.threads == {threading.get_ident()}
    assert worker.last_number == 3


@pytest.mark.parametrize("error", [ValueError("a"), MemoryError("b"), RuntimeError("c")])
def test_error_is_reported_and_the_next_request_is_served(start, qtbot, error) -> None:
    def serve(request, job) -> None:
        if isinstance(request, Undo):
            raise error

    worker, ears = start(serve)
    worker.submit(Undo())
    worker.submit(Recall())
    qtbot.waitUntil(lambda: len(ears.heard) == 2)
    assert ears.heard == [(1, error), (2, "finished")]
    assert error.__traceback__ is not None


def test_submit_and_stop_do_not_wait(start, qtbot) -> None:
    gate, running = threading.Event(), threading.Event()
    seen = []

    def serve(request, job) -> None:
        running.set()
        assert gate.wait(10)
        seen.append((type(request).__name__, job.stopped, job.others_wait))

    worker, ears = start(serve)
    worker.submit(Propagate())
    assert running.wait(10)
    worker.submit(Propagate())
    worker.stop()
    worker.submit(Undo())  # after the stop: not meant by it
    assert seen == []
    gate.set()
    qtbot.waitUntil(lambda: len(ears.heard) == 3)
    assert seen == [("Propagate", True, True), ("Propagate", True, True), ("Undo", False, False)]


def test_drop_forgets_what_waits_and_stops_what_runs(start, qtbot) -> None:
    gate, running = threading.Event(), threading.Event()
    seen = []

    def serve(request, job) -> None:
        running.set()
        assert gate.wait(10)
        seen.append((type(request).__name__, job.stopped))

    worker, ears = start(serve)
    worker.submit(Propagate())
    assert running.wait(10)
    worker.submit(Undo())
    worker.drop()
    worker.submit(Recall())
    gate.set()
    qtbot.waitUntil(lambda: len(ears.heard) == 2)
    assert seen == [("Propagate", True), ("Recall", False)]


def test_nothing_is_reported_after_close(start, qtbot) -> None:
    gate, running = threading.Event(), threading.Event()
    stopped = []

    def serve(request, job) -> None:
        job.say(Said("on its way"))
        running.set()
        assert gate.wait(10)
        stopped.append(job.stopped)
        job.say(Said("too late"))
        raise ValueError("too late as well")

    worker, ears = start(serve)
    worker.submit(Propagate())
    worker.submit(Undo())
    assert running.wait(10)
    worker.close()
    worker.close()
    gate.set()
    assert worker.wait(10)
    qtbot.wait(50)
    assert stopped == [True]  # and Undo was never begun
    assert ears.heard == []


def test_worker_holds_no_request_while_it_rests(start, qtbot) -> None:
    import gc
    import weakref

    class Heavy:
        pass

    worker, ears = start(lambda request, job: None)
    heavy = Heavy()
    reference = weakref.ref(heavy)
    worker.submit(heavy)
    qtbot.waitUntil(lambda: len(ears.heard) == 1)
    del heavy
    gc.collect()
    assert reference() is None
