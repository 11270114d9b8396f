"""The work of ``segment``: session, prompts, propagation; saved on the way."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import typer

from napari_sam2.cli.choosing import ModelChoice, describe_model, memory_errors
from napari_sam2.cli.console import note, progress_bar
from napari_sam2.cli.following import (
    Groups,
    StopRequest,
    add_missing,
    group,
    missing_of,
    remove_surplus,
    stages,
    surplus_of,
    track,
)
from napari_sam2.cli.prompt_file import check_requests, read_prompts
from napari_sam2.cli.resuming import (
    Keeper,
    check_same_command,
    check_same_prompts,
    describe_file,
    describe_stack,
)
from napari_sam2.errors import Sam2Error, SessionError
from napari_sam2.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from napari_sam2.engine.plan import Direction
    from napari_sam2.model.network import SAM2
    from napari_sam2.stack import Stack

__all__ = ["Job", "Options", "read_groups"]


@dataclass(frozen=True, slots=True)
class Options:
    """What decides the result, beside the stack, the prompts and the model.

    Parameters
    ----------
    window : int or None
        Side of the window, pixels.
    fit : float
        Diameters of the object that the window is fitted to.
    islands : bool
        Whether parts that touch neither a prompt nor the object before are kept, and small holes.
    intensity, direction, frames
        See `Session` and `Session.propagate`.
    stop_rule : bool
        Whether objects end.
    """

    window: int | None
    fit: float
    islands: bool
    intensity: str | tuple[float, float] | None
    direction: Direction
    frames: range | None
    stop_rule: bool

    def record(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        frames = None if self.frames is None else [self.frames.start, self.frames.stop]
        return {**asdict(self), "frames": frames}


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One run of ``segment``.

    Parameters
    ----------
    stack : Stack
        The image.
    groups : Groups
        What the file of prompts asks for.
    options : Options
        What else decides the result.
    model : ModelChoice
        What computes.
    folder : Path
        Of the session.
    save_every : float
        Seconds.
    restart : bool
        Whether to begin anew in any case.
    """

    stack: Stack
    groups: Groups
    options: Options
    model: ModelChoice
    folder: Path
    save_every: float
    restart: bool

    def run(self) -> Session:
        """Do all that is not done yet.

        Raises
        ------
        typer.Exit
            If the user stopped it; all that is done is saved.
        Sam2Error
            If something does not fit or fails; all that is done is saved.
        """
        if self.folder.exists() and not (self.folder / "session.json").is_file():
            raise SessionError(
                f"{self.folder} exists and is not a saved session; choose another --session."
            )
        command = self._command()
        net = self.model.load()
        note(f"{describe_model(net)}; {self.stack.n_frames} frame(s) of {self.stack.plane_shape}")
        session = self._session(net, command)
        keeper = Keeper(self.folder, command, self.save_every)
        with StopRequest().listening() as stop:
            with self._saved_in_any_case(session, keeper), memory_errors():
                is_done = self._complete(session, keeper, stop)
            keeper.save(session)
        if not is_done:
            note(f"stopped and saved in {self.folder}; the same command goes on.")
            raise typer.Exit(128 + stop.signal_number)
        return session

    def _command(self) -> dict[str, Any]:
        """Collect what decides the result."""
        return {
            "stack": describe_stack(self.stack),
            "weights": describe_file(self.model.weights()),
            **self.options.record(),
        }

    def _session(self, net: SAM2, command: Mapping[str, Any]) -> Session:
        """Go on with the session in the folder, or begin one."""
        settings: dict[str, Any] = {
            "intensity": self.options.intensity,
            "window_side": self.options.window,
            "window_diameters": self.options.fit,
            "drops_islands": not self.options.islands,
        }
        if not self.options.stop_rule:
            settings["stop_rule"] = None
        if self.restart:
            return Session(self.stack, net, **settings)
        try:
            session = Session.load(self.folder, self.stack, net, **settings)
        except SessionError as error:
            if self.folder.exists():
                raise SessionError(f"{error} --restart begins anew.") from error
            return Session(self.stack, net, **settings)
        check_same_command(self.folder, command)
        check_same_prompts(self.folder, session, self.groups)
        self._tell_what_is_new(session)
        return session

    def _tell_what_is_new(self, session: Session) -> None:
        new = sum(map(len, missing_of(session, self.groups).values()))
        gone = sum(map(len, surplus_of(session, self.groups).values()))
        done = sum(session.n_frames - len(session.pending(i)) for i in session.object_ids)
        changes = f"; {new} new prompt(s), {gone} removed" if new or gone else ""
        note(
            f"going on with {self.folder}: {len(session.object_ids)} object(s), {done} of "
            f"{session.n_frames * len(session.object_ids)} masks done{changes}."
        )

    @contextmanager
    def _saved_in_any_case(self, session: Session, keeper: Keeper) -> Iterator[None]:
        """Save what is done where something fails."""
        try:
            yield
        except Exception as error:
            keeper.save(session)
            if isinstance(error, Sam2Error):
                raise type(error)(
                    f"{error} What was done is saved in {self.folder}; the same command goes on."
                ) from error
            raise

    def _complete(self, session: Session, keeper: Keeper, stop: StopRequest) -> bool:
        """Add the prompts and propagate; False if the user stopped it."""
        keeper.start()
        remove_surplus(session, self.groups)
        return all(
            self._add(session, stage, stop) and self._track(session, keeper, stop)
            for stage in stages(self.groups)
        )

    def _add(self, session: Session, stage: Groups, stop: StopRequest) -> bool:
        with progress_bar("prompts") as advance:
            return not any(stop for _ in add_missing(session, stage, advance))

    def _track(self, session: Session, keeper: Keeper, stop: StopRequest) -> bool:
        """Propagate, saving now and then."""
        options = self.options
        with progress_bar("frames") as advance:
            total = 0

            def show(done: int, left: int) -> None:
                """Count over all the calls that savings divide the work into."""
                nonlocal total
                total = max(total, left)
                advance(total - left + done, total)

            def pause() -> bool:
                return bool(stop) or keeper.is_due

            while not track(session, options.frames, options.direction, show, pause):
                if stop:
                    return False
                keeper.save(session)
        return True


def read_groups(path: Path, stack: Stack) -> Groups:
    """Read and check the prompts of a file; see `read_prompts` and `check_requests`."""
    requests = read_prompts(path)
    check_requests(requests, stack.n_frames, stack.plane_shape)
    return group(requests)
