"""Lines, tables and bars for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

__all__ = ["Advance", "note", "progress_bar", "show_table"]

Advance: TypeAlias = Callable[[int, int], None]
"""Called with the steps done and the steps in all."""

RGB: TypeAlias = tuple[int, int, int]


def note(message: str) -> None:
    """Tell the user something on the error stream, so that results alone are on the other one."""
    typer.echo(message, err=True)


def show_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    colours: Sequence[RGB] = (),
    text_columns: Sequence[str] = (),
) -> None:
    """Print a table.

    Parameters
    ----------
    title : str
        Above it.
    columns : sequence of str
        Headings.
    rows : sequence of sequence of str
        One text per column.
    colours : sequence of (int, int, int), optional
        One per row: a dot of it is put before the first column.
    text_columns : sequence of str
        Columns of words, aligned to the left; the others hold numbers.
    """
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in columns:
        table.add_column(name, justify="left" if name in text_columns else "right")
    for index, row in enumerate(rows):
        cells = [Text(text) for text in row]
        if colours:
            red, green, blue = colours[index]
            cells[0] = Text.assemble(("■ ", f"rgb({red},{green},{blue})"), row[0])
        table.add_row(*cells)
    Console(highlight=False).print(table)


@contextmanager
def progress_bar(what: str, *, of_bytes: bool = False) -> Iterator[Advance]:
    """Draw a bar on the error stream; nothing where that is not a terminal.

    Parameters
    ----------
    what : str
        Written before the bar.
    of_bytes : bool
        Whether the steps are bytes.

    Yields
    ------
    callable
        Takes the steps done and the steps in all.
    """
    console = Console(stderr=True)
    counts: list[ProgressColumn] = (
        [DownloadColumn(), TransferSpeedColumn()] if of_bytes else [MofNCompleteColumn()]
    )
    columns = [TextColumn("{task.description}", markup=False), BarColumn(), *counts]
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(what, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield advance
