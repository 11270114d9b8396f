"""``napari-sam2 segment``: from a file of prompts to labels."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_sam2.cli.options import (
    Along,
    Axes,
    Channels,
    Checkpoint,
    Device,
    Intensity,
    ModelName,
    Position,
    Precision,
    check_window,
    parse_channels,
    parse_frames,
    parse_intensity,
    parse_position,
)

__all__ = ["segment"]

TRACKING_PANEL = "Tracking"
KEEPING_PANEL = "Stopping and going on"


def segment(
    stack: Annotated[
        Path,
        typer.Argument(
            metavar="STACK", help="The image: TIFF, OME-Zarr or zarr folder, PNG, JPEG, ..."
        ),
    ],
    prompts: Annotated[
        Path,
        typer.Option(
            "--prompts",
            "-p",
            metavar="FILE",
            help="A table (CSV) with the columns object_id, frame, y, x and, if needed, type (point or"
            " box), y2, x2, positive; or the folder of a saved session.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="The labels: a name in .tif or .zarr (OME-Zarr).",
            show_default=False,
        ),
    ],
    overlay: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also draw the result: a name in .png.", show_default=False
        ),
    ] = None,
    axes: Axes = None,
    propagate_along: Along = None,
    position: Position = None,
    channels: Channels = None,
    intensity: Intensity = "auto",
    window: Annotated[
        int,
        typer.Option(
            metavar="PIXELS",
            help="Show the model a square of so many pixels around each object, best about four"
            " diameters; 0 is the whole plane.",
            rich_help_panel=TRACKING_PANEL,
        ),
    ] = 0,
    fit: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="DIAMETERS",
            help="With --window: once an object was found, look at so many of its diameters instead;"
            " 3 suits nano, 0 leaves it.",
            rich_help_panel=TRACKING_PANEL,
        ),
    ] = 0,
    islands: Annotated[
        bool,
        typer.Option(
            "--islands/--no-islands",
            help="Keep also the parts of a mask that touch neither a prompt nor the object on the"
            " frame before, and small holes.",
            rich_help_panel=TRACKING_PANEL,
        ),
    ] = False,
    direction: Annotated[
        Literal["both", "forward", "backward"],
        typer.Option(
            help="From the prompted frames to which others.", rich_help_panel=TRACKING_PANEL
        ),
    ] = "both",
    frames: Annotated[
        str | None,
        typer.Option(
            metavar="RANGE",
            help="Track on these frames only: 10:20 is 10 to 19.",
            show_default="all",
            rich_help_panel=TRACKING_PANEL,
        ),
    ] = None,
    stop_rule: Annotated[
        bool,
        typer.Option(
            "--stop-rule/--no-stop-rule",
            help="End an object where it is absent for two frames or suddenly grows.",
            rich_help_panel=TRACKING_PANEL,
        ),
    ] = True,
    model: ModelName = None,
    checkpoint: Checkpoint = None,
    device: Device = "auto",
    precision: Precision = "auto",
    session: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder that keeps prompts and masks, to go on from.",
            show_default="beside --out, in .sam2session",
            rich_help_panel=KEEPING_PANEL,
        ),
    ] = None,
    save_every: Annotated[
        float,
        typer.Option(
            min=0.0,
            metavar="SECONDS",
            help="Time between savings of that folder.",
            rich_help_panel=KEEPING_PANEL,
        ),
    ] = 60.0,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart",
            help="Begin anew, whatever that folder holds.",
            rich_help_panel=KEEPING_PANEL,
        ),
    ] = False,
) -> None:
    """Segment a stack from a file of prompts, and save the labels.

    Example, where prompts.csv marks one nucleus by a click on frame 12:

        object_id,frame,y,x
        1,12,140.0,88.5

        napari-sam2 segment nuclei.tif --prompts prompts.csv --out labels.tif

    Ctrl-C stops and saves; the same command goes on. After a change of the
    prompts, only what depends on the change is computed again.
    """
    from napari_sam2.cli.choosing import ModelChoice
    from napari_sam2.cli.job import Job, Options, read_groups
    from napari_sam2.cli.writing import check_places, finish
    from napari_sam2.stack import open_stack

    check_places(out, overlay, {"STACK": stack, "--prompts": prompts, "--checkpoint": checkpoint})
    opened = open_stack(
        stack,
        axes,
        propagation_axis=propagate_along,
        position=parse_position(position or []),
        channels=parse_channels(channels),
    )
    options = Options(
        window=check_window(window),
        fit=fit,
        islands=islands,
        intensity=parse_intensity(intensity),
        direction=direction,
        frames=parse_frames(frames, opened.n_frames),
        stop_rule=stop_rule,
    )
    job = Job(
        stack=opened,
        groups=read_groups(prompts, opened),
        options=options,
        model=ModelChoice(model, checkpoint, device, precision),
        folder=session or out.with_suffix(".sam2session"),
        save_every=save_every,
        restart=restart,
    )
    finish(job.run(), job.folder, out, overlay)
