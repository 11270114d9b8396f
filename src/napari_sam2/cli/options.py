"""Options that several commands share, and texts such as ``T=3`` turned into values."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

__all__ = [
    "Along",
    "Axes",
    "Channels",
    "Checkpoint",
    "Device",
    "Intensity",
    "ModelName",
    "Position",
    "Precision",
    "check_window",
    "parse_channels",
    "parse_frames",
    "parse_intensity",
    "parse_position",
]

MODEL_PANEL = "Model"
STACK_PANEL = "The stack"
SMALLEST_WINDOW = 16

ModelName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME",
        help="Which model; [bold]napari-sam2 models[/bold] lists them.",
        show_default="nano",
        rich_help_panel=MODEL_PANEL,
    ),
]
Checkpoint: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A weights file to use instead, .pt or .safetensors.",
        show_default=False,
        rich_help_panel=MODEL_PANEL,
    ),
]
Device: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="auto (the graphics card if there is one), cpu, cuda, cuda:1, ... or mps.",
        rich_help_panel=MODEL_PANEL,
    ),
]
Precision: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Of the arithmetic: auto (the fast one of the device), float32 or bfloat16.",
        rich_help_panel=MODEL_PANEL,
    ),
]
Axes: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="AXES",
        help="Names of the axes, such as ZYX, TZCYX or ZYXS (S is colour).",
        show_default="what the file says",
        rich_help_panel=STACK_PANEL,
    ),
]
Along: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="AXIS",
        help="The propagation axis: the one that frames count along, T or Z.",
        show_default="T, else Z",
        rich_help_panel=STACK_PANEL,
    ),
]
Position: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="AXIS=INDEX",
        help="Index on an axis that is neither shown nor followed, such as T=3; may be repeated.",
        show_default="middle of Z, start of others",
        rich_help_panel=STACK_PANEL,
    ),
]
Channels: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBERS",
        help="One to three channels, shown to the model as red, green, blue, such as 0,1.",
        show_default="colours, else the first",
        rich_help_panel=STACK_PANEL,
    ),
]
Intensity: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="RANGE",
        help="Values that become black and white: auto (from the stack), none (8-bit values as"
        " they are) or LOW,HIGH.",
        rich_help_panel=STACK_PANEL,
    ),
]


def check_window(window: int) -> int | None:
    """Return the side of the window; None for the whole plane, written as 0.

    Raises
    ------
    typer.BadParameter
        If nothing can be seen in it.
    """
    if 0 < window < SMALLEST_WINDOW or window < 0:
        raise _bad(
            "--window",
            str(window),
            f"is too small to show an object; use {SMALLEST_WINDOW} pixels or more, or 0 for the "
            "whole plane",
        )
    return window or None


def parse_position(texts: list[str]) -> dict[str, int]:
    """Turn ``["T=3", "C=1,Q=0"]`` into a position on axes.

    Raises
    ------
    typer.BadParameter
        If a text is not AXIS=INDEX.
    """
    position: dict[str, int] = {}
    for text in ",".join(texts).split(",") if texts else ():
        axis, equals, index = (part.strip() for part in text.partition("="))
        if not (axis and equals and index.isdigit()):
            raise _bad("--position", text, "is not AXIS=INDEX; write for example T=3")
        if axis.upper() in position:
            raise _bad("--position", text, "sets an axis for the second time; give it once")
        position[axis.upper()] = int(index)
    return position


def parse_channels(text: str | None) -> tuple[int, ...] | None:
    """Turn ``"0,1"`` into indices of channels.

    Raises
    ------
    typer.BadParameter
        If it is no list of whole numbers.
    """
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts):
        raise _bad(
            "--channels", text, "is not a list of channel numbers from 0; write for example 0,1"
        )
    return tuple(int(part) for part in parts)


def parse_frames(text: str | None, n_frames: int) -> range | None:
    """Turn ``"10:20"`` (frames 10 to 19), ``"10:"``, ``":20"`` or ``"7"`` into frames.

    Raises
    ------
    typer.BadParameter
        If it is none of these, empty, or outside the stack.
    """
    if text is None:
        return None
    start, colon, stop = (part.strip() for part in text.partition(":"))
    if not all(part.isdigit() for part in (start, stop) if part) or not (start or colon):
        raise _bad(
            "--frames", text, "is not a range of frames; write for example 10:20 for 10 to 19"
        )
    first = int(start or 0)
    end = int(stop or n_frames) if colon else first + 1
    if not 0 <= first < end <= n_frames:
        raise _bad(
            "--frames",
            text,
            f"is empty or outside the stack of {n_frames} frames; they count from 0 to "
            f"{n_frames - 1}, and the end is not included",
        )
    return range(first, end)


def parse_intensity(text: str) -> str | tuple[float, float] | None:
    """Turn ``"auto"``, ``"none"`` or ``"100,4000"`` into what a session takes.

    Raises
    ------
    typer.BadParameter
        If it is none of these.
    """
    word = text.strip().lower()
    if word == "auto":
        return "auto"
    if word == "none":
        return None
    try:
        low, high = (float(part) for part in word.split(","))
    except ValueError:
        raise _bad(
            "--intensity", text, "is not auto, none or LOW,HIGH; write for example 100,4000"
        ) from None
    return low, high


def _bad(option: str, text: str, problem: str) -> typer.BadParameter:
    return typer.BadParameter(f"{text!r} {problem}.", param_hint=f"'{option}'")
