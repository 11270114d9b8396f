"""From sessions to a training set on disk."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from napari_sam2 import __version__
from napari_sam2.dataset.coco import coco_of, read_pages
from napari_sam2.dataset.readme import readme_of, sets_of
from napari_sam2.dataset.sheet import Credits, Sheet, is_dataset, read_sheet
from napari_sam2.dataset.sources import FramesThatCount
from napari_sam2.dataset.splits import SPLITS, Shares, choose_splits
from napari_sam2.dataset.stacks import content_of, file_of, select
from napari_sam2.errors import DatasetError
from napari_sam2.stack.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_sam2.dataset.coco import Page
    from napari_sam2.dataset.sheet import StackSheet
    from napari_sam2.dataset.sources import Source
    from napari_sam2.dataset.stacks import Selection

__all__ = ["write_dataset"]


def write_dataset(
    folder: str | Path,
    sources: Iterable[Source],
    *,
    frames: FramesThatCount = "trusted",
    shares: Shares = Shares(),  # noqa: B008 - frozen
    credit: Credits = Credits(),  # noqa: B008 - frozen
    extend: bool = False,
) -> Sheet:
    """Export what was annotated as a training set, which appears complete or not at all.

    Parameters
    ----------
    folder : path
        It is made, under another name beside its place, and renamed at the end.
    sources : iterable of Source
        From `source_of` or `source_of_saved`.
    frames : {"trusted", "all"}
        Masks on prompted and accepted frames only, or all that there are.
    shares : Shares
        How many stacks are held back; all stacks of one image go the same way.
    credit : Credits
        Licence, author and source, for the data sheet of these stacks.
    extend : bool
        Whether stacks may be added to a set that is there; what it has stays as it is.

    Returns
    -------
    Sheet
        What was written.

    Raises
    ------
    DatasetError
        If there is something else in that place, there is nothing to export, a stack is in the set already, or the disk fails.
    """
    folder, sources = Path(folder).expanduser(), list(sources)
    if frames not in get_args(FramesThatCount):
        raise DatasetError(f"frames {frames!r} is unknown; use one of {get_args(FramesThatCount)}.")
    if not sources:
        raise DatasetError("no session was given; a training set needs one at least.")
    before = _check_place(folder, extend)
    old = () if before is None else before.stacks
    names = _names(sources, old)
    splits = _splits(sources, names, old, shares)
    chosen = [select(source, frames) for source in sources]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with replacing(folder) as new:
            pages = _begin(folder, new, before)
            stacks = [
                _add(new, selection, name, split, credit, pages)
                for selection, name, split in zip(chosen, names, splits, strict=True)
            ]
            made_by = f"napari-sam2 {__version__}"
            sheet = Sheet(made_by, datetime.now(UTC).date().isoformat(), (*old, *stacks))
            _finish(new, sheet, pages)
    except OSError as error:
        raise DatasetError(
            f"{folder} could not be written ({error}); free some space, or choose another folder."
        ) from error
    return sheet


def _check_place(folder: Path, extend: bool) -> Sheet | None:
    """Return the sheet of the set that is to be extended; None for a new one."""
    if not folder.exists():
        return None
    if not is_dataset(folder):
        raise DatasetError(f"{folder} exists and is not a training set; choose another folder.")
    if not extend:
        raise DatasetError(
            f"{folder} is a training set already; extend it (extend=True, --extend), or choose another folder."
        )
    return read_sheet(folder)


def _names(sources: Sequence[Source], old: Sequence[StackSheet]) -> list[str]:
    """Choose the names of the folders: of the source, else of its file; a number makes them differ."""
    used = {stack.name.casefold() for stack in old}
    names = []
    for source in sources:
        wanted = source.name or file_of(source.stack).split(".")[0]
        base = re.sub(r"[^\w.-]+", "-", wanted).strip("-.") or "stack"
        name, number = base, 1
        while name.casefold() in used:
            number += 1
            name = f"{base}-{number}"
        used.add(name.casefold())
        names.append(name)
    return names


def _splits(
    sources: Sequence[Source], names: Sequence[str], old: Sequence[StackSheet], shares: Shares
) -> list[str]:
    """Choose splits; stacks of one image stay together, also with those that are in the set already."""
    known = {stack.content: stack for stack in old}
    contents = [content_of(source.stack) for source in sources]
    _check_new(sources, contents, old)
    families: dict[str, str] = {}
    for name, content in zip(names, contents, strict=True):
        if content not in known:
            families.setdefault(content, name)
    taken = {s: len({k for k, stack in known.items() if stack.split == s}) for s in SPLITS}
    drawn = choose_splits(families.values(), shares, taken)
    return [known[c].split if c in known else drawn[families[c]] for c in contents]


def _check_new(
    sources: Sequence[Source], contents: Sequence[str], old: Sequence[StackSheet]
) -> None:
    """Refuse what shows the same planes of the same image as a stack of the set."""
    views = {(s.content, s.frames_along, tuple(sorted(s.position.items()))): s for s in old}
    for source, content in zip(sources, contents, strict=True):
        new = source.stack
        view = (content, new.propagation_axis, tuple(sorted(new.position.items())))
        if view in views:
            raise DatasetError(
                f"{source.name or new.source} is in the set already, as {views[view].place}; leave it out, "
                "or export all sessions anew into another folder."
            )


def _begin(folder: Path, new: Path, before: Sheet | None) -> dict[str, list[Page]]:
    """Make the folder, with what was there; returns the pages of its stacks by name."""
    if before is None:
        new.mkdir()
        return {}
    shutil.copytree(folder, new)
    used = {stack.split for stack in before.stacks}
    files = (read_pages(folder / f"{split}.json") for split in SPLITS if split in used)
    return {name: pages for one in files for name, pages in one.items()}


def _add(
    new: Path,
    selection: Selection,
    name: str,
    split: str,
    credit: Credits,
    pages: dict[str, list[Page]],
) -> StackSheet:
    """Write one stack."""
    pages[name] = selection.pages()
    stack = selection.sheet(name, split, credit, pages[name])
    selection.write(new / stack.place)
    return stack


def _finish(new: Path, sheet: Sheet, pages: dict[str, list[Page]]) -> None:
    """Write what speaks of all stacks."""
    for split in SPLITS:
        if any(stack.split == split for stack in sheet.stacks):
            content = json.dumps(coco_of(sheet, split, pages), ensure_ascii=False)
            (new / f"{split}.json").write_text(content, encoding="utf-8")
    (new / "sets.toml").write_text(sets_of(sheet, pages), encoding="utf-8")
    (new / "README.md").write_text(readme_of(sheet), encoding="utf-8")
    sheet.write(new)
