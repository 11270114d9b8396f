"""``napari-sam2 finetune``: let a model learn from one's own corrections or labels."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_sam2.cli.options import Checkpoint, Device, ModelName, Precision, check_window

__all__ = ["finetune"]

DATA_PANEL = "What is learned from"
HOW_PANEL = "How it learns"


class Parts(StrEnum):
    """Which weights learn."""

    DECODER = "decoder"
    MEMORY = "memory"
    ADAPTERS = "adapters"
    EVERYTHING = "everything"


def finetune(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Of the new model, such as my-nuclei.")
    ],
    session: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="A saved session: its corrected, painted and accepted masks. Give its image with --images.",
            show_default=False,
            rich_help_panel=DATA_PANEL,
        ),
    ] = None,
    images: Annotated[
        list[Path] | None,
        typer.Option(
            "--images",
            metavar="FILE",
            help="An image (TIFF, OME-Zarr, ...); may be repeated.",
            show_default=False,
            rich_help_panel=DATA_PANEL,
        ),
    ] = None,
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            "--labels",
            metavar="FILE",
            help="Labels of an image, in the order of --images; may be repeated.",
            show_default=False,
            rich_help_panel=DATA_PANEL,
        ),
    ] = None,
    frames: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBERS",
            help="Only these frames of each image, such as 0,5.",
            show_default="all with objects",
            rich_help_panel=DATA_PANEL,
        ),
    ] = None,
    objects: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="NUMBER",
            help="So many objects at most, drawn by lot.",
            show_default="all",
            rich_help_panel=DATA_PANEL,
        ),
    ] = None,
    learn: Annotated[
        Parts | None,
        typer.Option(
            help="Which weights learn: the mask decoder; it and the memory; it and adapters on the encoder; all.",
            show_default="everything for nano, the decoder for the others",
            rich_help_panel=HOW_PANEL,
        ),
    ] = None,
    minutes: Annotated[
        float,
        typer.Option(metavar="NUMBER", help="At most.", rich_help_panel=HOW_PANEL),
    ] = 5.0,
    window: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="First window around an object; 0 is the whole plane.",
            show_default="that of the session, or four median diameters, 128 at least",
            rich_help_panel=HOW_PANEL,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, metavar="NUMBER", help="Of the lot.", rich_help_panel=HOW_PANEL)
    ] = 0,
    curve: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the curve to this CSV file.", show_default=False),
    ] = None,
    model: ModelName = None,
    checkpoint: Checkpoint = None,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Let a model learn from your own corrections or labels.

    Some objects are held out to judge by. The result becomes a model of its own
    beside the others if it is better on them, and is refused if not. Ctrl+C takes
    the best so far.

    Example:

        napari-sam2 finetune my-cells --session cells.sam2session --images cells.tif
        napari-sam2 finetune my-cells --images cells.tif --labels cells_labels.tif --frames 0
    """
    from napari_sam2.cli.choosing import ModelChoice
    from napari_sam2.cli.learning_run import LearningRun
    from napari_sam2.cli.learning_sources import Sources

    sources = Sources(
        session=session,
        images=tuple(images or ()),
        labels=tuple(labels or ()),
        frames=_numbers(frames),
        objects=objects,
        window=None if window is None else check_window(window) or 0,
        seed=seed,
    )
    sources.check()
    LearningRun(
        name=name,
        sources=sources,
        model=ModelChoice(model, checkpoint, device, precision),
        learn=None if learn is None else learn.value,
        minutes=minutes,
        curve=curve,
    ).run()


def _numbers(text: str | None) -> tuple[int, ...] | None:
    """Turn ``"0,5"`` into frames."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts):
        raise typer.BadParameter(
            f"{text!r} is not a list of frames from 0; write for example 0,5.",
            param_hint="'--frames'",
        )
    return tuple(int(part) for part in parts)
