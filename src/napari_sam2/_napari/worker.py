"""The one thread that owns the session: requests are queued, answers come back as Qt signals.

While no request waits, the thread may *rest*: do small pieces of work that nobody waits for, guided by `Hints`. A request
never waits for more than one such piece, and hints never disturb a request.
"""

from __future__ import annotations

import atexit
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from qtpy.QtCore import QObject, Qt, Signal, Slot

from napari_sam2._napari.messages import Hints

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sam2._napari.host import Job

__all__ = ["Worker"]

_LAST_WAIT_S = 10.0
_SWITCH_S = 0.0005

Serve: TypeAlias = "Callable[[Any, Any], None]"
Rest: TypeAlias = "Callable[[Job], bool]"


@dataclass(frozen=True, slots=True)
class _Event:
    """What the thread reports: an answer, an error, or (neither) the end of a request."""

    number: int
    answer: object = None
    error: Exception | None = None


class _Mailbox:
    """What both threads see."""

    def __init__(self) -> None:
        self.queue: deque[tuple[int, object]] = deque()
        self.news = threading.Condition()
        self.hints = Hints()
        self.hints_are_new = False
        self.stopped_through = 0
        self.closed = False

    def put(self, number: int, request: object) -> None:
        """Queue a request."""
        with self.news:
            self.queue.append((number, request))
            self.news.notify()

    def hint(self, hints: Hints) -> None:
        """Leave hints; those that were not read are forgotten."""
        with self.news:
            self.hints, self.hints_are_new = hints, True
            self.news.notify()

    def drop(self) -> None:
        """Forget the requests that wait."""
        with self.news:
            self.queue.clear()

    def close(self) -> None:
        """Forget everything; the thread ends when it looks next."""
        with self.news:
            self.closed = True
            self.queue.clear()
            self.news.notify()

    def take(self, may_wait: bool) -> tuple[int, object] | None:
        """Take the next request; None if there is none, though hints may be new.

        Parameters
        ----------
        may_wait : bool
            Wait until there is a request, a hint or the end.
        """
        with self.news:
            while may_wait and not (self.queue or self.hints_are_new or self.closed):
                self.news.wait()
            self.hints_are_new = False
            return self.queue.popleft() if self.queue else None


@dataclass(frozen=True, slots=True)
class _Running:
    """A request that is being served, or a rest; a `Job`."""

    number: int
    mailbox: _Mailbox = field(repr=False)
    emit: Callable[[_Event], None] = field(repr=False)

    @property
    def stopped(self) -> bool:
        return self.mailbox.closed or 0 < self.number <= self.mailbox.stopped_through

    @property
    def others_wait(self) -> bool:
        return bool(self.mailbox.queue)

    @property
    def hints(self) -> Hints:
        return self.mailbox.hints

    def say(self, answer: object) -> None:
        self.emit(_Event(self.number, answer))


class Worker(QObject):
    """Serve requests one after the other on a thread of its own; none of its methods waits.

    Parameters
    ----------
    serve : callable
        Takes a request, whatever was submitted, and its `Job`. It is called, and what it holds is used, on the worker's thread only.
    rest : callable, optional
        Takes a `Job` and does one small piece of work while no request waits; returns whether there is more to do.
    end : callable, optional
        Called once, on the thread, when it ends.

    Attributes
    ----------
    answered : Signal(int, object)
        Number of the request (0: said at rest), and one of its answers.
    finished : Signal(int)
        The request was served.
    failed : Signal(int, object)
        The request ended with this exception.
    """

    answered = Signal(int, object)
    finished = Signal(int)
    failed = Signal(int, object)
    _reported = Signal(object)

    def __init__(
        self, serve: Serve, rest: Rest | None = None, end: Callable[[], object] | None = None
    ) -> None:
        super().__init__()
        # a slot of this object, queued: it runs on the GUI thread with every Qt binding
        self._reported.connect(self._pass_on, Qt.ConnectionType.QueuedConnection)
        self._mailbox = _Mailbox()
        self._last = 0
        self._thread = threading.Thread(
            target=_live,
            args=(serve, rest, end, self._mailbox, self._reported.emit),
            name="napari-sam2",
            daemon=True,  # a program may end without closing us; then `_end` waits for the last frame
        )
        self._thread.start()
        _switch_often()
        atexit.register(self._end)

    @property
    def last_number(self) -> int:
        """Number of the newest request."""
        return self._last

    def submit(self, request: object) -> int:
        """Queue a request and return its number; numbers grow."""
        self._last += 1
        self._mailbox.put(self._last, request)
        return self._last

    def hint(self, hints: Hints) -> None:
        """Say what the user looks at, for the work at rest; no request is disturbed."""
        self._mailbox.hint(hints)

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
        self._mailbox.close()
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


def _switch_often() -> None:
    """Let threads take turns more often, in the whole process: see docs/adr/0008."""
    sys.setswitchinterval(min(_SWITCH_S, sys.getswitchinterval()))


def _live(
    serve: Serve,
    rest: Rest | None,
    end: Callable[[], object] | None,
    mailbox: _Mailbox,
    report: Callable[[_Event], None],
) -> None:
    """Work, and end well whatever happens."""
    try:
        _work(serve, rest, mailbox, report)
    finally:
        if end is not None:
            end()


def _work(
    serve: Serve, rest: Rest | None, mailbox: _Mailbox, report: Callable[[_Event], None]
) -> None:
    """Serve until the mailbox is closed, and rest between requests; every error is reported."""

    def emit(event: _Event) -> None:
        if not mailbox.closed:
            report(event)

    has_more = False  # whether there is something to do at rest
    while True:
        entry = mailbox.take(may_wait=not has_more)
        if mailbox.closed:
            return
        if entry is not None:
            number, request = entry
            try:
                serve(request, _Running(number, mailbox, emit))
            except Exception as error:  # noqa: BLE001 - whatever it is, the GUI thread shows it
                emit(_Event(number, error=error))
            else:
                emit(_Event(number))
            del entry, request  # an image must not be held while nothing is done
            has_more = rest is not None
        elif rest is not None:
            has_more = _rest_once(rest, _Running(0, mailbox, emit))


def _rest_once(rest: Rest, job: _Running) -> bool:
    """Do one piece of work at rest; an error is reported, and ends the rest until something is new."""
    try:
        return rest(job)
    except Exception as error:  # noqa: BLE001 - as above
        job.emit(_Event(0, error=error))
        return False
