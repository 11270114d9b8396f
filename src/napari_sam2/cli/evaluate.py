"""``napari-sam2 evaluate``: how good a model is on images whose truth is known."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_sam2.cli.options import Checkpoint, Device, ModelName, Precision, check_window

__all__ = ["evaluate"]

DATA_PANEL = "The data"
LIMITS_PANEL = "For a quick run"


class MethodName(StrEnum):
    """What can be evaluated."""

    MODEL = "model"
    FLOOD = "flood"
    WATERSHED = "watershed"
    WALKER = "walker"


class Part(StrEnum):
    """What is done."""

    CLICKS = "clicks"
    FRAMES = "frames"


class Frames(StrEnum):
    """What the frames of a stack are."""

    NO = "no"
    Z = "z"
    T = "t"


def evaluate(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="An image (TIFF, OME-Zarr, ...) with its --labels, or a folder of sets.",
        ),
    ],
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Labels that are known to be right for the image DATA.",
            show_default=False,
            rich_help_panel=DATA_PANEL,
        ),
    ] = None,
    follow: Annotated[
        Frames | None,
        typer.Option(
            help="What the frames of the image DATA are: slices (z), times (t), or apart (no).",
            show_default="what the file says",
            rich_help_panel=DATA_PANEL,
        ),
    ] = None,
    tracks: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Divisions in the image DATA: lines of label, first frame, last frame, parent.",
            show_default=False,
            rich_help_panel=DATA_PANEL,
        ),
    ] = None,
    axes: Annotated[
        str | None,
        typer.Option(
            metavar="AXES",
            help="Names of the axes of the image DATA, such as ZYX.",
            show_default="what the file says",
            rich_help_panel=DATA_PANEL,
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME",
            help="Only this set of the folder; may be repeated.",
            show_default="all",
            rich_help_panel=DATA_PANEL,
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FOLDER", help="Folder for tables, JSON and figure; it is made."
        ),
    ] = Path("napari-sam2-evaluation"),
    methods: Annotated[
        list[MethodName] | None,
        typer.Option(
            "--method",
            help="What is evaluated: the model, or what a user does without one; may be repeated.",
            show_default="all",
        ),
    ] = None,
    parts: Annotated[
        list[Part] | None,
        typer.Option(
            "--part",
            help="Clicks on planes, or objects carried over frames; may be repeated.",
            show_default="both",
        ),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="Look at a square of so many pixels around each object; 0 is the whole plane.",
            show_default="four median diameters",
        ),
    ] = None,
    most_clicks: Annotated[
        int, typer.Option(min=5, metavar="NUMBER", help="The user gives up after so many.")
    ] = 10,
    objects: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="NUMBER",
            help="So many objects of each set at most, drawn by lot.",
            show_default="all",
            rich_help_panel=LIMITS_PANEL,
        ),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="NUMBER",
            help="So many frames at most: the middle ones of z, the first ones of time.",
            show_default="all",
            rich_help_panel=LIMITS_PANEL,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, metavar="NUMBER", help="Of the lot.", rich_help_panel=LIMITS_PANEL)
    ] = 0,
    model: ModelName = None,
    checkpoint: Checkpoint = None,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Measure a model on images with known labels, beside methods without a model.

    A simulated user clicks every object, corrects, draws boxes, carries
    objects over the frames. docs/evaluation.md says how exactly.

    Example:

        napari-sam2 evaluate nuclei.tif --labels nuclei_labels.tif
        napari-sam2 evaluate ../shared/data --set embryo --objects 5 --frames 15
    """
    from napari_sam2.cli.choosing import ModelChoice
    from napari_sam2.cli.measuring import Measuring, choose_sets
    from napari_sam2.evaluation import EvaluationSet, Options

    if labels is not None:
        one = EvaluationSet(
            *(data.name.split(".")[0], data, labels),
            follow=follow or "",
            tracks=tracks,
            axes=axes,
        )
        chosen = [one]
    else:
        given = {"--follow": follow, "--tracks": tracks, "--axes": axes}
        lonely = [option for option, value in given.items() if value is not None]
        if lonely:
            raise typer.BadParameter("needs --labels.", param_hint=f"'{lonely[0]}'")
        chosen = choose_sets(data, sets or [])
    options = Options(
        clicks=Part.CLICKS in (parts or Part),
        carry=Part.FRAMES in (parts or Part),
        objects=objects,
        most_clicks=most_clicks,
        window=None if window is None else check_window(window) or 0,
        seed=seed,
    )
    choice = ModelChoice(model, checkpoint, device, precision)
    names = tuple(name.value for name in MethodName if name in (methods or MethodName))
    Measuring(chosen, names, choice, options, frames, out).run()
