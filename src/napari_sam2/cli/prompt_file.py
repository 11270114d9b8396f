"""Prompts from a table (CSV), or from the folder of a saved session.

A table has one prompt per row. Columns, in any order: ``object_id``, ``frame``, ``y``, ``x``, and if needed ``type``
(point or box), ``y2`` and ``x2`` (the other corner of a box), ``positive`` (true or false) and ``note`` (not read).
"""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_sam2.errors import PromptError
from napari_sam2.prompts import Box, MaskPrompt, Point, Prompt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Request", "check_requests", "key_of", "read_prompts"]

REQUIRED = ("object_id", "frame", "y", "x")
OPTIONAL = ("type", "y2", "x2", "positive", "note")
YES, NO = ("true", "1", "yes"), ("false", "0", "no")
MEANING = {
    "object_id": "is not an object; write a whole number from 1, the value in the labels",
    "frame": "is not a frame; write a whole number, frames count from 0 along the propagation axis",
    "y": "is not a number; write the row in data pixels, for example 140.5",
    "x": "is not a number; write the column in data pixels, for example 88.5",
    "y2": "is not a number; write the row of the other corner of the box in data pixels",
    "x2": "is not a number; write the column of the other corner of the box in data pixels",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt and where it was written.

    Parameters
    ----------
    object_id : int
        The value in the labels.
    prompt : Prompt
        On its frame.
    where : str
        File and line, for messages.
    """

    object_id: int
    prompt: Prompt
    where: str


def read_prompts(path: Path) -> list[Request]:
    """Read prompts from a CSV file or a session folder.

    Parameters
    ----------
    path : Path
        A table as described above, separated by commas, semicolons or tabs; or what `Session.save` wrote.

    Returns
    -------
    list of Request
        In the order of the file, at least one.

    Raises
    ------
    PromptError
        If it cannot be read; says line, column, value, rule and remedy.
    """
    if not path.exists():
        raise PromptError(f"{path} does not exist; check the name and the folder of --prompts.")
    requests = list(_from_session(path) if path.is_dir() else _from_table(path))
    if not requests:
        raise PromptError(
            f"{path} holds no prompt; write one row per click or box below the header."
        )
    return requests


def check_requests(
    requests: Sequence[Request], n_frames: int, plane_shape: tuple[int, int]
) -> None:
    """Check that all prompts can be used on a stack, before anything is computed.

    Raises
    ------
    PromptError
        If one lies outside, two do not go together, or an object has negative points only.
    """
    from napari_sam2.session.requests import check_object_id, check_prompts, merge_prompts

    together: dict[tuple[int, int], tuple[Prompt, ...]] = {}
    for request in requests:
        prompt = request.prompt
        key = request.object_id, prompt.frame
        try:
            check_object_id(request.object_id)
            check_prompts([prompt], n_frames, plane_shape)
            together[key] = (*together.get(key, ()), prompt)
            merge_prompts((), together[key])
        except PromptError as error:
            raise PromptError(f"{request.where}: {error}") from error
    placed = {r.object_id for r in requests if getattr(r.prompt, "positive", True)}
    for request in requests:
        if request.object_id not in placed:
            raise PromptError(
                f"{request.where}: object {request.object_id} has negative points only, which say "
                "where it is not; add a positive point or a box on it."
            )


def _from_session(folder: Path) -> Iterator[Request]:
    from napari_sam2.session import storage

    for object_id, state in sorted(storage.read(folder).objects.items()):
        for frame in state.prompted:
            for prompt in state.prompts[frame]:
                where = f"{folder}, object {object_id}, frame {frame}"
                yield Request(object_id, prompt, where)


def _from_table(path: Path) -> Iterator[Request]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # Excel puts a mark at the start
    except UnicodeDecodeError as error:
        raise PromptError(
            f"{path} is not a text file in UTF-8 ({error.reason} at byte {error.start}); save the "
            "table as 'CSV UTF-8'."
        ) from error
    except OSError as error:
        raise PromptError(f"{path} cannot be read ({error}); check its permissions.") from error
    header, *_ = text.splitlines() or [""]
    separator = max(",;\t", key=header.count)
    rows = csv.reader(text.splitlines(), delimiter=separator, skipinitialspace=True)
    columns = _columns(path, next(rows, []))
    for cells in rows:
        if any(cell.strip() for cell in cells):
            yield _Row(path, rows.line_num, columns, cells, separator == ",").request()


def _columns(path: Path, cells: Sequence[str]) -> list[str]:
    """Check the header."""
    names = [cell.strip().lower() for cell in cells]
    known = (*REQUIRED, *OPTIONAL)
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise PromptError(
                f"{path} line 1: column {name!r} is unknown; {hint}the columns are "
                f"{', '.join(known)}."
            )
        if names.count(name) > 1:
            raise PromptError(f"{path} line 1: column {name!r} appears twice; remove one.")
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise PromptError(
            f"{path} line 1: column(s) {', '.join(missing)} are missing; the first line must name "
            f"the columns: {', '.join(REQUIRED)}, and where needed {', '.join(OPTIONAL)}."
        )
    return names


class _Row:
    """One row of a table."""

    def __init__(
        self, path: Path, line: int, columns: list[str], cells: list[str], decimal_point: bool
    ) -> None:
        self.where = f"{path} line {line}"
        if len(cells) > len(columns):
            raise PromptError(
                f"{self.where}: {len(cells)} values in {len(columns)} columns; write decimals with a "
                "point, and one value per column."
            )
        self.values = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
        self.decimal_point = decimal_point

    def request(self) -> Request:
        """Turn the row into a prompt."""
        object_id, frame = self.whole("object_id"), self.whole("frame")
        yx = self.number("y"), self.number("x")
        kind = self.kind()
        try:
            prompt: Prompt
            if kind == "box":
                prompt = self.box(frame, yx)
            else:
                prompt = Point(frame, yx, self.positive())
        except PromptError as error:
            text = str(error)
            raise (
                error if text.startswith(self.where) else PromptError(f"{self.where}: {text}")
            ) from error
        return Request(object_id, prompt, self.where)

    def kind(self) -> str:
        """Return point or box; without a type, a row with a second corner is a box."""
        second = [name for name in ("y2", "x2") if self.values.get(name)]
        kind = self.values.get("type", "").lower() or ("box" if second else "point")
        if kind not in ("point", "box"):
            raise self.error("type", "is not a kind of prompt; write point or box")
        if kind == "point" and second:
            raise self.error(second[0], "belongs to a box; write type box, or leave it empty")
        return kind

    def box(self, frame: int, yx: tuple[float, float]) -> Box:
        """Make a box of two opposite corners, in any order."""
        if not self.positive():
            raise self.error("positive", "does not fit a box; boxes are positive, use points")
        other = self.number("y2"), self.number("x2")
        (y0, y1), (x0, x1) = (sorted(pair) for pair in zip(yx, other, strict=True))
        return Box(frame, (y0, x0), (y1, x1))

    def positive(self) -> bool:
        """Tell whether the prompt is positive; empty is yes."""
        word = self.values.get("positive", "").lower()
        if word and word not in (*YES, *NO):
            raise self.error("positive", "is neither true nor false; write one of these")
        return word not in NO

    def whole(self, name: str) -> int:
        """Read a whole number; spreadsheets may have written it as 3.0."""
        value = self.number(name)
        if not value.is_integer():
            raise self.error(name, MEANING[name])
        return int(value)

    def number(self, name: str) -> float:
        """Read a number; with a decimal comma where commas do not separate columns."""
        text = self.values.get(name, "")
        try:
            value = float(text if self.decimal_point else text.replace(",", "."))
        except ValueError:
            raise self.error(name, MEANING[name]) from None
        if value != value or abs(value) == float("inf"):
            raise self.error(name, MEANING[name])
        return value

    def error(self, name: str, problem: str) -> PromptError:
        """Make an error that says where the value is."""
        value = self.values.get(name, "")
        shown = repr(value) if value else "the empty value"
        return PromptError(f"{self.where}, column {name}: {shown} {problem}.")


def key_of(prompt: Prompt) -> object:
    """Return what two equal prompts have in common."""
    if isinstance(prompt, MaskPrompt):
        return prompt.frame, prompt.refine, prompt.mask.shape, prompt.mask.tobytes()
    return prompt
