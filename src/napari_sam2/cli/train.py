"""``napari-sam2 train``: the run that makes the bundled model, or another of its kind."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_sam2.cli.console import note

if TYPE_CHECKING:
    from napari_sam2.training.settings import Settings

__all__ = ["train"]

EXPORT_PANEL = "Writing the weights"


def train(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="State, drawn images and curves; a run that is there goes on. Outside a repository.",
            show_default=False,
        ),
    ],
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="MINUTES",
            help="Length of the whole run; 0 trains nothing.",
            show_default="75, or that of the run",
        ),
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Begin with the weights of another run.", show_default=False
        ),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A setting of the run, such as seed=1, threads=2, device=cuda, precision=bfloat16;"
            " may be repeated. All of them are in settings.json in the FOLDER.",
            show_default=False,
        ),
    ] = None,
    save_every: Annotated[float, typer.Option(min=0.1, metavar="MINUTES")] = 3.0,
    score_every: Annotated[
        float, typer.Option(min=0, metavar="MINUTES", help="Validate so often; 0 for never.")
    ] = 5.0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="At the end, write the averaged weights: safetensors, float16.",
            show_default=False,
            rich_help_panel=EXPORT_PANEL,
        ),
    ] = None,
    blend: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Of a related run, for the mean of both.",
            show_default=False,
            rich_help_panel=EXPORT_PANEL,
        ),
    ] = None,
    share: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Of this run in that mean.",
            rich_help_panel=EXPORT_PANEL,
        ),
    ] = 0.5,
) -> None:
    """Train a model on images that are drawn meanwhile: synthetic microscopy, no real image.

    It can be interrupted (Ctrl+C) and gone on with at any time.

    Example:

        napari-sam2 train ../runs/a --minutes 150 --set threads=2 --out a.safetensors
    """
    import logging

    from napari_sam2.training.export import averaged_weights, export
    from napari_sam2.training.settings import Settings
    from napari_sam2.training.trainer import Trainer

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    stored = folder / "settings.json"
    settings = changed(Settings.load(stored) if stored.exists() else Settings(), setting or ())
    if minutes is None or minutes > 0:
        if minutes is not None:
            settings = changed(settings, [f"minutes={minutes}"])
        start = averaged_weights(start_from) if start_from else None
        trainer = Trainer(folder, settings, start_from=start)
        trainer.run(save_every=60 * save_every, score_every=60 * score_every)
    if out is not None:
        size = export(folder, out, blend, share)
        note(f"{out}: {size / 1e6:.1f} MB")


def changed(settings: "Settings", changes: Iterable[str]) -> "Settings":
    """Return settings with some of them changed.

    Parameters
    ----------
    settings : Settings
        Stay as they are.
    changes : iterable of str
        ``name=value``; values of tuples are separated by commas.

    Raises
    ------
    typer.BadParameter
        If there is no such setting, or the value is none for it.
    """
    from dataclasses import asdict, replace

    known, values = asdict(settings), {}
    for change in changes:
        name, _, text = change.partition("=")
        name = name.strip().replace("-", "_")
        if name not in known:
            raise typer.BadParameter(
                f"{change!r} names no setting; those are {', '.join(known)}.", param_hint="'--set'"
            )
        try:
            values[name] = _read(text.strip(), known[name])
        except ValueError as error:
            raise typer.BadParameter(
                f"{change!r} has a value of another kind than {_written(known[name])}.",
                param_hint="'--set'",
            ) from error
    return replace(settings, **values)


def _read(text: str, like: Any) -> Any:
    if isinstance(like, tuple):
        return tuple(_read(part.strip(), like[0]) for part in text.split(","))
    return type(like)(text)


def _written(value: Any) -> str:
    """Write a setting as it is given."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
