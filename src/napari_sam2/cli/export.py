"""``napari-sam2 export``: what was annotated, as a training set."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_sam2.cli.options import (
    Along,
    Axes,
    Channels,
    Intensity,
    Position,
    parse_channels,
    parse_intensity,
    parse_position,
)

__all__ = ["export"]

SPLIT_PANEL = "Training, validation, test"
SHEET_PANEL = "The data sheet"


class Frames(StrEnum):
    """Which masks count."""

    TRUSTED = "trusted"
    ALL = "all"


def export(
    sessions: Annotated[
        list[Path],
        typer.Argument(metavar="SESSION...", help="Folders of saved sessions."),
    ],
    images: Annotated[
        list[Path],
        typer.Option(
            "--images",
            metavar="FILE",
            help="The image of each session, in the same order: give it once for each, or once for all.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="The training set; it is made.",
            show_default=False,
        ),
    ],
    frames: Annotated[
        Frames,
        typer.Option(help="Masks on prompted and accepted frames only, or all that there are."),
    ] = Frames.TRUSTED,
    extend: Annotated[
        bool, typer.Option("--extend", help="Add to the set that is in FOLDER.")
    ] = False,
    validation: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            metavar="SHARE",
            help="Of the stacks, to choose a model by.",
            rich_help_panel=SPLIT_PANEL,
        ),
    ] = 0.2,
    test: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            metavar="SHARE",
            help="Of the stacks, for the last word.",
            rich_help_panel=SPLIT_PANEL,
        ),
    ] = 0.0,
    seed: Annotated[
        int, typer.Option(min=0, metavar="NUMBER", help="Of the lot.", rich_help_panel=SPLIT_PANEL)
    ] = 0,
    licence: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What others may do with it, such as CC-BY-4.0.",
            rich_help_panel=SHEET_PANEL,
        ),
    ] = "",
    author: Annotated[
        str, typer.Option(metavar="TEXT", help="Who made it.", rich_help_panel=SHEET_PANEL)
    ] = "",
    source: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="Where the images come from: a study, a DOI, an address.",
            rich_help_panel=SHEET_PANEL,
        ),
    ] = "",
    axes: Axes = None,
    propagate_along: Along = None,
    position: Position = None,
    channels: Channels = None,
    intensity: Intensity = "auto",
) -> None:
    """Export sessions as a training set: images, labels, COCO files, a data sheet.

    docs/data-sets.md describes the folder. A session of segment knows the
    axes and channels of its image; for others, give them.

    Example:

        napari-sam2 export cells.sam2session --images cells.tif -o cells-set
        napari-sam2 evaluate cells-set
    """
    from napari_sam2.cli.exporting import Reading, open_sources, tell
    from napari_sam2.dataset import Credits, Shares, write_dataset

    reading = Reading(
        axes,
        propagate_along,
        parse_position(position or []),
        parse_channels(channels),
        parse_intensity(intensity),
    )
    sheet = write_dataset(
        out,
        open_sources(sessions, images, reading),
        frames=frames.value,
        shares=Shares(validation, test, seed),
        credit=Credits(licence, author, source),
        extend=extend,
    )
    tell(out, sheet)
