"""Bring a session to what a file of prompts asks for: only what differs is changed, only what is pending is tracked."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_sam2.cli.prompt_file import Request, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from napari_sam2.cli.console import Advance
    from napari_sam2.engine.plan import Direction
    from napari_sam2.prompts import Prompt
    from napari_sam2.results import Progress
    from napari_sam2.session import Session

__all__ = [
    "Groups",
    "StopRequest",
    "add_missing",
    "group",
    "missing_of",
    "remove_surplus",
    "stages",
    "surplus_of",
    "track",
]

Groups: TypeAlias = dict[tuple[int, int], tuple["Prompt", ...]]
"""Prompts by object and frame."""


def group(requests: Sequence[Request]) -> Groups:
    """Put prompts of one object on one frame together, in the order of the file."""
    groups: Groups = {}
    for request in requests:
        key = request.object_id, request.prompt.frame
        groups[key] = (*groups.get(key, ()), request.prompt)
    return groups


def stages(groups: Groups) -> list[Groups]:
    """Split prompts into those that show objects, and the corrections of what is tracked from them.

    Frames with negative points alone can only correct a mask that is there, so they come after a first propagation.
    """
    showing = {
        key: prompts
        for key, prompts in groups.items()
        if any(getattr(prompt, "positive", True) for prompt in prompts)
    }
    corrections = {key: prompts for key, prompts in groups.items() if key not in showing}
    return [showing, corrections] if corrections else [showing]


def held(session: Session) -> Groups:
    """Return the prompts that a session has."""
    return {
        (object_id, frame): prompts
        for object_id in session.object_ids
        for frame, prompts in session.prompts(object_id).items()
    }


def without(prompts: Sequence[Prompt], others: Sequence[Prompt]) -> list[Prompt]:
    """Return the prompts that have no equal among others."""
    keys = [key_of(other) for other in others]
    return [prompt for prompt in prompts if key_of(prompt) not in keys]


def surplus_of(session: Session, groups: Groups) -> Groups:
    """Return what a session has and the file does not ask for (any more)."""
    surplus = {
        key: tuple(without(prompts, groups.get(key, ()))) for key, prompts in held(session).items()
    }
    return {key: prompts for key, prompts in surplus.items() if prompts}


def missing_of(session: Session, groups: Groups) -> Groups:
    """Return what the file asks for and a session lacks."""
    before = held(session)
    missing = {key: tuple(without(prompts, before.get(key, ()))) for key, prompts in groups.items()}
    return {key: prompts for key, prompts in missing.items() if prompts}


def remove_surplus(session: Session, groups: Groups) -> None:
    """Take back what the file does not ask for."""
    wanted_ids = {object_id for object_id, _ in groups}
    for object_id in session.object_ids:
        if object_id not in wanted_ids:
            session.remove_object(object_id)
    for (object_id, frame), prompts in surplus_of(session, groups).items():
        session.remove_prompts(object_id, frame, *prompts)


def add_missing(session: Session, groups: Groups, advance: Advance) -> Iterator[None]:
    """Add what the file asks for and a session lacks; pauses after each frame of an object."""
    missing = missing_of(session, groups)
    for done, ((object_id, _), prompts) in enumerate(missing.items(), start=1):
        session.add_prompt(object_id, *prompts)
        advance(done, len(missing))
        yield


def track(
    session: Session,
    frames: range | None,
    direction: Direction,
    advance: Advance,
    pause: Callable[[], bool],
) -> bool:
    """Carry the objects on.

    Parameters
    ----------
    session : Session
        With its prompts.
    frames, direction
        See `Session.propagate`.
    advance : callable
        Shows the progress.
    pause : callable
        Asked after every result; True ends this call, and another one goes on.

    Returns
    -------
    bool
        Whether everything is done.
    """

    def show(progress: Progress) -> None:
        advance(progress.done, progress.total)

    updates = session.propagate(frames=frames, direction=direction, progress=show)
    try:
        return not any(pause() for _ in updates)
    finally:
        updates.close()


class StopRequest:
    """Whether the user has asked to stop (Ctrl-C), or the batch system has.

    A signal may come in the middle of a change, so it is only noted, and looked at where the session is whole. A second
    one ends the program at once.
    """

    def __init__(self) -> None:
        self.signal_number = 0

    def __bool__(self) -> bool:
        return self.signal_number != 0

    @contextmanager
    def listening(self) -> Iterator[StopRequest]:
        """Note signals while the block runs; only the main thread can, elsewhere nothing is noted."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, self._note) for number in numbers]
        try:
            yield self
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def _note(self, number: int, frame: Any) -> None:
        self.signal_number = number
        signal.signal(
            number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        )
