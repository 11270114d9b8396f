"""The one thread that owns the session: requests are queued, answers come back as Qt signals."""

from __future__ import annotations

import atexit
import threading
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from qtpy.QtCore import QObject, Qt, Signal, Slot

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sam2._napari.host import Job
    from napari_sam2._napari.messages import Answer, Request

__all__ = ["Worker"]

_LAST_WAIT_S = 10.0

Serve: TypeAlias = "Callable[[Request, Job], None]"


@dataclass(frozen=True, slots=True)
class _Event:
    """What the thread reports: an answer, an error, or (neither) the end of a request."""

    number: int
    answer: Answer | None = None
    error: Exception | None = None


class _Mailbox:
    """What both threads see."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[tuple[int, Request] | None] = SimpleQueue()
        self.stopped_through = 0
        self.closed = False

    def drop(self) -> None:
        """Forget the requests that wait."""
        while not self.queue.empty():
            self.queue.get()


@dataclass(frozen=True, slots=True)
class _Running:
    """A request that is being served; a `Job`."""

    number: int
    mailbox: _Mailbox = field(repr=False)
    emit: Callable[[_Event], None] = field(repr=False)

    @property
    def stopped(self) -> bool:
        return self.mailbox.closed or self.number <= self.mailbox.stopped_through

    @property
    def others_wait(self) -> bool:
        return not self.mailbox.queue.empty()

    def say(self, answer: Answer) -> None:
        self.emit(_Event(self.number, answer))


class Worker(QObject):
    """Serve requests one after the other on a thread of its own; none of its methods waits.

    Parameters
    ----------
    serve : callable
        Takes a request and its `Job`. It is called, and what it holds is used, on the worker's thread only.

    Attributes
    ----------
    answered : Signal(int, object)
        Number of the request, and one of its answers.
    finished : Signal(int)
        The request was served.
    failed : Signal(int, object)
        The request ended with this exception.
    """

    answered = Signal(int, object)
    finished = Signal(int)
    failed = Signal(int, object)
    _reported = Signal(object)

    def __init__(self, serve: Serve) -> None:
        super().__init__()
        # a slot of this object, queued: it runs on the GUI thread with every Qt binding
        self._reported.connect(self._pass_on, Qt.ConnectionType.QueuedConnection)
        self._mailbox = _Mailbox()
        self._last = 0
        self._thread = threading.Thread(
            target=_work,
            args=(serve, self._mailbox, self._reported.emit),
            name="napari-sam2",
            daemon=True,  # a program may end without closing us; then `_end` waits for the last frame
        )
        self._thread.start()
        atexit.register(self._end)

    @property
    def last_number(self) -> int:
        """Number of the newest request."""
        return self._last

    def submit(self, request: Request) -> int:
        """Queue a request and return its number; numbers grow."""
        self._last += 1
        self._mailbox.queue.put((self._last, request))
        return self._last

    def stop(self) -> None:
        """Ask the long requests that were submitted so far to end, keeping what is done."""
        self._mailbox.stopped_through = self._last

    def drop(self) -> None:
        """Forget the requests that wait, and stop the one that runs."""
        self._mailbox.drop()
        self.stop()

    def close(self) -> None:
        """Stop, and end the thread as soon as it can; nothing is reported after this."""
        if self._mailbox.closed:
            return
        self._mailbox.closed = True
        self._mailbox.drop()
        self._mailbox.queue.put(None)
        atexit.unregister(self._end)
        if self._thread.is_alive():
            atexit.register(self._thread.join, _LAST_WAIT_S)

    def wait(self, seconds: float) -> bool:
        """Wait for the thread to end after `close`; for tests. Returns whether it did."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _end(self) -> None:
        """Close at the end of the program, so that the interpreter does not go away under a computation."""
        self.close()
        self._thread.join(_LAST_WAIT_S)

    @Slot(object)
    def _pass_on(self, event: _Event) -> None:
        """Hand a report of the thread on, in the GUI thread."""
        if self._mailbox.closed:
            return
        if event.answer is not None:
            self.answered.emit(event.number, event.answer)
        elif event.error is not None:
            self.failed.emit(event.number, event.error)
        else:
            self.finished.emit(event.number)


def _work(serve: Serve, mailbox: _Mailbox, report: Callable[[_Event], None]) -> None:
    """Serve until the mailbox is closed; every error is reported."""

    def emit(event: _Event) -> None:
        if not mailbox.closed:
            report(event)

    while (entry := mailbox.queue.get()) is not None:
        number, request = entry
        try:
            serve(request, _Running(number, mailbox, emit))
        except Exception as error:  # noqa: BLE001 - whatever it is, the GUI thread shows it
            emit(_Event(number, error=error))
        else:
            emit(_Event(number))
        del entry, request  # an image must not be held while nothing is done
