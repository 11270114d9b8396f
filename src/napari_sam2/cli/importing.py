"""The work of ``import``: every stack of a set as a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from napari_sam2.cli.console import note
from napari_sam2.dataset import open_original, read_dataset, session_from
from napari_sam2.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from napari_sam2.cli.choosing import ModelChoice
    from napari_sam2.dataset import ReadStack

__all__ = ["import_stacks"]


def import_stacks(folder: Path, out: Path, images: Sequence[Path], model: ModelChoice) -> None:
    """Write one session per stack.

    Raises
    ------
    DatasetError
        If the set is damaged, an image belongs to none of its stacks, or something is in the way; nothing is written then.
    """
    stacks = list(read_dataset(folder))
    originals = _originals(stacks, images)
    places = {read.name: out / read.name for read in stacks}
    _check_places(out, places.values())
    net = model.load()
    for read in stacks:
        original = originals.get(read.name)
        stack = None if original is None else open_original(read.sheet, original)
        session = session_from(read, net, stack)
        try:
            session.save(places[read.name])
        except OSError as error:
            raise DatasetError(
                f"{places[read.name]} cannot be written ({error}); free some space, or choose another --out."
            ) from error
        typer.echo(f"session: {places[read.name]} ({read.split}), on {original or read.image_file}")
    if not images:
        note(
            "frames count within the images of the set; the original ones can be given with --images."
        )


def _originals(stacks: Sequence[ReadStack], images: Sequence[Path]) -> dict[str, Path]:
    """Find the stacks that images belong to, by the names of the files."""
    found: dict[str, Path] = {}
    for image in images:
        names = [read.name for read in stacks if image.name and read.sheet.file == image.name]
        if not names:
            known = ", ".join(sorted({read.sheet.file for read in stacks} - {""})) or "none"
            raise DatasetError(
                f"--images {image} is no image of the set, by its name; those of the set are {known}."
            )
        found |= dict.fromkeys(names, image)
    return found


def _check_places(out: Path, places: Iterable[Path]) -> None:
    """Refuse to replace anything."""
    if out.exists() and not out.is_dir():
        raise DatasetError(f"--out {out} is a file; choose another folder.")
    for place in places:
        if place.exists():
            raise DatasetError(f"{place} exists and is not replaced; choose another --out.")
