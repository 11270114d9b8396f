"""The session folder of a command: what was asked, how far it is, and going on with it.

The folder is what `Session.save` writes, with a file ``command.json`` in it that holds what decides the result.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_sam2.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_sam2.cli.following import Groups
    from napari_sam2.session import Session
    from napari_sam2.stack import Stack

__all__ = ["Keeper", "check_same_command", "check_same_prompts", "describe_file", "describe_stack"]

COMMAND_FILE = "command.json"
SAVING_SHARE = 0.05  # of the time, at most
LOOKED_AT = 3  # planes


def describe_stack(stack: Stack) -> dict[str, Any]:
    """Describe the image by what is in it, wherever it lies: shape, type, and a digest of a few planes."""
    digest = hashlib.blake2b(digest_size=16)
    last = stack.n_frames - 1
    for frame in sorted({last * i // (LOOKED_AT - 1) for i in range(LOOKED_AT)}):
        digest.update(stack.plane(frame).tobytes())
    return {
        "shape": [stack.n_frames, *stack.plane_shape],
        "type": str(stack.dtype),
        "axes": stack.axes,
        "frames along": stack.propagation_axis,
        "position": dict(stack.position),
        "channels": list(stack.channels),
        "content": digest.hexdigest(),
    }


def describe_file(path: Path | None) -> str | None:
    """Return a digest of a weights file; None for one that is not there."""
    if path is None or not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_same_command(folder: Path, command: Mapping[str, Any]) -> None:
    """Refuse to go on with what another command has begun.

    Raises
    ------
    SessionError
        If something that decides the result has changed; says what, and how to begin anew.
    """
    path = folder / COMMAND_FILE
    if not path.is_file():
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        now = json.loads(json.dumps(command))
        differing = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise SessionError(
            f"{path} cannot be read ({error}); begin anew with --restart, or choose another --session."
        ) from error
    if differing:
        changes = "; ".join(
            f"{name} {_shown(before.get(name))}, now {_shown(now.get(name))}" for name in differing
        )
        raise SessionError(
            f"{folder} was begun with {changes}. Repeat the command as it was to go on, begin anew "
            "with --restart, or choose another --session."
        )


def check_same_prompts(folder: Path, session: Session, groups: Groups) -> None:
    """Refuse to take prompts out of a session that this command did not make.

    Raises
    ------
    SessionError
        If it has prompts that the file does not ask for.
    """
    from napari_sam2.cli.following import surplus_of

    surplus = sum(map(len, surplus_of(session, groups).values()))
    if surplus and not (folder / COMMAND_FILE).is_file():
        raise SessionError(
            f"{folder} was made by hand and has {surplus} prompt(s) that --prompts lacks; they would "
            f"be lost. Give the folder as --prompts instead, and another one as --session."
        )


def _shown(value: Any) -> str:
    text = "none" if value is None else json.dumps(value).strip('"')
    return text if len(text) <= 24 else f"{text[:12]}..."


@dataclass(slots=True)
class Keeper:
    """Saves a session now and then.

    Parameters
    ----------
    folder : Path
        Where.
    command : mapping
        What decides the result; JSON's types.
    every : float
        Seconds between savings; more where saving takes long, so that it never costs more than a twentieth of the time.
    """

    folder: Path
    command: Mapping[str, Any]
    every: float
    due: float = 0.0

    def start(self) -> None:
        """Begin to count the time."""
        self.due = time.monotonic() + self.every

    @property
    def is_due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() >= self.due

    def save(self, session: Session) -> None:
        """Save now.

        Raises
        ------
        SessionError
            If the folder cannot be written.
        """
        begun = time.monotonic()
        try:
            session.save(self.folder)
            content = json.dumps(self.command, indent=1)
            (self.folder / COMMAND_FILE).write_text(content, encoding="utf-8")
        except OSError as error:
            raise SessionError(
                f"{self.folder} cannot be written ({error}); free some space, or choose another "
                "--session."
            ) from error
        took = time.monotonic() - begun
        self.due = time.monotonic() + max(self.every, took / SAVING_SHARE)
