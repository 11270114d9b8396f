"""The commands, put together; errors that a user can mend are one line."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperGroup

from napari_sam2.cli.demo import demo
from napari_sam2.cli.evaluate import evaluate
from napari_sam2.cli.export import export
from napari_sam2.cli.finetune import finetune
from napari_sam2.cli.import_set import import_set
from napari_sam2.cli.info import info
from napari_sam2.cli.models import models
from napari_sam2.cli.segment import segment
from napari_sam2.cli.train import train
from napari_sam2.errors import Sam2Error

__all__ = ["app"]

USER_ERROR = 2
INTERRUPTED = 130

# the base of all that is wrong with arguments; typer does not export it, and moved it between versions
ClickError: type[Any] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)


class Commands(TyperGroup):
    """Commands whose errors are one line on the error stream and exit code 2."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command; what nobody expected is left as it is, with its traceback."""
        standalone = extra.pop("standalone_mode", True)
        try:
            with _one_line_warnings():
                result = super().main(*args, **{**extra, "standalone_mode": False})
        except Sam2Error as error:
            result = _fail(str(error))
        except ClickError as error:
            result = _fail(_usage(error))
        except typer.Abort:
            result = INTERRUPTED
        if standalone:
            sys.exit(result if isinstance(result, int) else 0)
        return result


def _usage(error: Any) -> str:
    """Say what is wrong with arguments, and where they are explained."""
    context = getattr(error, "ctx", None)
    message: str = error.format_message().strip()
    end = "" if message.endswith((".", "?")) else "."
    return f"{message}{end} See: {context.command_path} --help" if context else message


def _fail(message: str) -> int:
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    return USER_ERROR


@contextmanager
def _one_line_warnings() -> Iterator[None]:
    """Show warnings as one line, without the place in the code."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        typer.echo(f"warning: {' '.join(str(message).split())}", err=True)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


app = typer.Typer(
    name="napari-sam2",
    cls=Commands,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo)
app.command()(segment)
app.command()(evaluate)
app.command()(export)
app.command("import")(import_set)
app.command()(finetune)
app.command()(train)
app.command()(models)
app.command()(info)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"napari-sam2 {version('napari-sam2')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """Segment z-stacks and time-lapses from one click per object, with SAM 2.

    See what it does, on a stack that it draws itself:

        napari-sam2 demo

    Each command explains itself: napari-sam2 segment --help
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
