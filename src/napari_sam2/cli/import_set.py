"""``napari-sam2 import``: a training set as sessions."""

from pathlib import Path
from typing import Annotated

import typer

from napari_sam2.cli.options import Checkpoint, Device, ModelName, Precision

__all__ = ["import_set"]


def import_set(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A training set, made by export.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="SESSIONS",
            help="Folder for the sessions, one for each stack; it is made.",
            show_default=False,
        ),
    ],
    images: Annotated[
        list[Path] | None,
        typer.Option(
            "--images",
            metavar="FILE",
            help="An original image, found by its name: the masks come to the frames that they were made on;"
            " may be repeated.",
            show_default="the images of the set",
        ),
    ] = None,
    model: ModelName = None,
    checkpoint: Checkpoint = None,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Make sessions of a training set, to look at, correct and go on.

    Objects keep ids and names, masks that were trusted are accepted. A
    session opens in the window and in Python, on the image that is named.

    Example:

        napari-sam2 import cells-set -o cells-sessions
    """
    from napari_sam2.cli.choosing import ModelChoice
    from napari_sam2.cli.importing import import_stacks

    choice = ModelChoice(model, checkpoint, device, precision)
    import_stacks(folder, out, images or [], choice)
