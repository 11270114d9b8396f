"""What ``segment`` and ``demo`` write: labels, a picture, a summary; and whether it can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import typer

from napari_sam2.cli.console import show_table
from napari_sam2.cli.overlay import Picture, draw_overlay, save_png
from napari_sam2.errors import StackError
from napari_sam2.stack import save_labels
from napari_sam2.stack.ngff import folder_attributes, is_labels

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_sam2.session import Session

__all__ = ["check_places", "finish", "write_labels", "write_overlay"]

MOST_ROWS = 20


def check_places(out: Path, overlay: Path | None, inputs: Mapping[str, Path | None]) -> None:
    """Check before hours of work that its result can be written, and over nothing that is needed.

    Raises
    ------
    StackError
        If it cannot.
    """
    _check_place("--out", out, (".tif", ".tiff", ".zarr"), inputs)
    if out.is_dir() and not (out.suffix.lower() == ".zarr" and is_labels(folder_attributes(out))):
        raise StackError(f"--out {out} is a folder that does not hold labels; choose another name.")
    if overlay is not None:
        _check_place("--overlay", overlay, (".png",), inputs)


def _check_place(
    option: str, path: Path, endings: tuple[str, ...], inputs: Mapping[str, Path | None]
) -> None:
    if path.suffix.lower() not in endings:
        raise StackError(
            f"{option} {path} has none of the endings {', '.join(endings)}; give it one of these."
        )
    if not path.resolve().parent.is_dir():
        raise StackError(
            f"{option} {path} lies in a folder that does not exist; make {path.parent} first."
        )
    for name, used in inputs.items():
        if used is not None and used.resolve() == path.resolve():
            raise StackError(
                f"{option} {path} is the same as {name}, which would be lost; choose another name."
            )


def finish(session: Session, folder: Path, out: Path, overlay: Path | None) -> None:
    """Write the labels and the picture, and sum up."""
    write_labels(out, session)
    if overlay is not None:
        write_overlay(overlay, session)
    _sum_up(session)
    typer.echo(f"labels: {out}")
    if overlay is not None:
        typer.echo(f"overlay: {overlay}")
    typer.echo(f"session: {folder} (kept to go on after a change of the prompts)")


def write_labels(path: Path, session: Session) -> None:
    """Save the labels with the scale of their stack; a single plane as one."""
    stack, labels = session.stack, session.labels
    if stack.propagation_axis is None:
        save_labels(path, labels[0], "YX", stack.scale)
    else:
        save_labels(path, labels, stack.label_axes, stack.scale)


def write_overlay(path: Path, session: Session, truth: np.ndarray | None = None) -> None:
    """Draw the result."""
    prompts = {
        object_id: [p for given in session.prompts(object_id).values() for p in given]
        for object_id in session.object_ids
    }
    picture = Picture(
        lambda frame: session.intensity(session.stack.plane(frame)), session.labels, prompts, truth
    )
    save_png(path, draw_overlay(picture))


def _sum_up(session: Session) -> None:
    """Print where each object is, and where the model is least sure of it: there one should look first."""
    rows = []
    for object_id in session.object_ids:
        scores = session.scores(object_id)
        there = np.flatnonzero(scores.area > 0)
        if not there.size:
            rows.append((-1.0, (str(object_id), "nowhere", "0", "", "")))
            continue
        frames = scores.frame[there]
        least = there[np.argmin(scores.iou_score[there])]
        sure = float(scores.iou_score[least])
        row = (
            str(object_id),
            f"{frames[0]} to {frames[-1]}",
            f"{scores.area[there].sum():.0f}",
            str(scores.frame[least]),
            f"{sure:.2f}",
        )
        rows.append((sure, row))
    title = "Objects"
    if len(rows) > MOST_ROWS:
        title = f"The {MOST_ROWS} least sure of {len(rows)} objects"
        rows = sorted(rows, key=lambda row: row[0])[:MOST_ROWS]
    columns = ("object", "frames", "pixels", "least sure on frame", "estimated IoU there")
    show_table(title, columns, [row for _, row in rows])
