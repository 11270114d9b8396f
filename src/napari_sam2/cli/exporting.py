"""Sessions and their images, opened for ``export``; what it prints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from napari_sam2.cli.console import note, show_table
from napari_sam2.cli.resuming import COMMAND_FILE, describe_stack
from napari_sam2.dataset import source_of_saved
from napari_sam2.dataset.splits import SPLITS
from napari_sam2.errors import SessionError
from napari_sam2.stack import open_stack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_sam2.dataset import Sheet, Source

__all__ = ["Reading", "open_sources", "tell"]


@dataclass(frozen=True, slots=True)
class Reading:
    """How the images are read, where neither their files nor their sessions say it; see `open_stack`.

    Parameters
    ----------
    axes, propagation_axis, position, channels
        See `open_stack`.
    intensity
        See `Session`.
    """

    axes: str | None
    propagation_axis: str | None
    position: Mapping[str, int]
    channels: tuple[int, ...] | None
    intensity: Any


def open_sources(
    sessions: Sequence[Path], images: Sequence[Path], reading: Reading
) -> list[Source]:
    """Open every session with its image.

    Raises
    ------
    typer.BadParameter
        If there are neither as many images as sessions nor one for all.
    Sam2Error
        If a session or an image cannot be read, or they do not fit.
    """
    if len(images) not in (1, len(sessions)):
        raise typer.BadParameter(
            f"is given {len(images)} times for {len(sessions)} session(s); give the image of each session, in "
            "the same order, or one for all.",
            param_hint="'--images'",
        )
    paired = images if len(images) == len(sessions) else [*images] * len(sessions)
    return [_open(folder, image, reading) for folder, image in zip(sessions, paired, strict=True)]


def _open(folder: Path, image: Path, reading: Reading) -> Source:
    """Open a session; what its own folder says of the image counts before the options."""
    command = _command_of(folder)
    if command is not None:
        reading = _reading_of(command)
    stack = open_stack(
        image,
        reading.axes,
        propagation_axis=reading.propagation_axis,
        position=reading.position,
        channels=reading.channels,
    )
    if command is not None and json.loads(json.dumps(describe_stack(stack))) != command["stack"]:
        raise SessionError(
            f"{folder} was made on another image than {image} (its content differs); give the image of "
            "the session with --images."
        )
    return source_of_saved(folder, stack, intensity=reading.intensity)


def _reading_of(command: Mapping[str, Any]) -> Reading:
    told, intensity = command["stack"], command["intensity"]
    has_channels = bool(set("CS") & set(told["axes"]) - {told["frames along"]})
    return Reading(
        told["axes"],
        told["frames along"],
        told["position"],
        tuple(told["channels"]) if has_channels else None,
        tuple(intensity) if isinstance(intensity, list) else intensity,
    )


def _command_of(folder: Path) -> dict[str, Any] | None:
    """Return what ``segment`` says of the session that it made; None for a session of the window or a script."""
    path = folder / COMMAND_FILE
    if not path.is_file():
        return None
    try:
        command: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _reading_of(command)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SessionError(
            f"{path} cannot be read ({type(error).__name__}: {error}); remove it, and say how the image is read "
            "with --axes, --channels, ..."
        ) from error
    return command


def tell(folder: Path, sheet: Sheet) -> None:
    """Sum up what the set holds now."""
    rows = []
    for name, split in (*((s, s) for s in SPLITS), ("all", None)):
        counts = sheet.counts(split)
        numbers = (counts.stacks, counts.frames, counts.objects, counts.masks, counts.prompts)
        rows.append((name, *map(str, numbers)))
    columns = ("", "stacks", "frames", "objects", "masks", "prompts")
    show_table("Training set", columns, rows, text_columns=("",))
    typer.echo(f"set: {folder}")
    if any(not stack.credit.licence for stack in sheet.stacks):
        note("without a licence others may not use the set; say it with --licence.")
