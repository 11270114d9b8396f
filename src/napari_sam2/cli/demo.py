"""``napari-sam2 demo``: what it does, in a minute, without any preparation."""

from pathlib import Path
from typing import Annotated

import typer

from napari_sam2.cli.options import Checkpoint, Device, ModelName, Precision, check_window

__all__ = ["demo"]


def demo(
    image: Annotated[
        Path | None,
        typer.Argument(
            metavar="IMAGE",
            help="A stack of your own, in place of the drawn one.",
            show_default=False,
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Labels that are known to be right for IMAGE: each of their objects is clicked once,"
            " and the result is compared with them.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="FOLDER", help="Folder for the results; it is made."),
    ] = Path("napari-sam2-demo"),
    objects: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", help="Click so many objects at most.")
    ] = 40,
    window: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="Show the model a square of so many pixels around each object; 0 is the whole plane.",
            show_default="four median diameters",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="NUMBER", help="Which stack is drawn.")] = 1,
    model: ModelName = None,
    checkpoint: Checkpoint = None,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Segment a stack from one click per object, and show how well that went.

    Without an IMAGE, nuclei are drawn whose true outlines are known. Each
    is clicked once, on its middle slice, and carried both ways. With an
    IMAGE alone, the middles of bright blobs on its middle frame are
    clicked. Labels and a picture are written, scores are printed.

    Example:

        napari-sam2 demo
        napari-sam2 demo nuclei.tif --truth nuclei_labels.tif
    """
    if truth is not None and image is None:
        raise typer.BadParameter("needs an IMAGE that it belongs to.", param_hint="'--truth'")
    from napari_sam2.cli.choosing import ModelChoice
    from napari_sam2.cli.showing import Show, draw_scene, open_scene

    side = None if window is None else check_window(window)
    scene = draw_scene(seed, objects) if image is None else open_scene(image, truth, objects)
    choice = ModelChoice(model, checkpoint, device, precision)
    Show(scene, choice, out, side if window is not None else scene.window).run()
