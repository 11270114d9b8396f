from __future__ import annotations

import re
import subprocess
import sys
import warnings
from collections.abc import Callable

import pytest
from typer.testing import Result

from napari_sam2.cli import app as package_app
from napari_sam2.cli.app import app
from napari_sam2.errors import PromptError

Call = Callable[..., Result]
COMMANDS = ("demo", "segment", "evaluate", "export", "import", "models", "info")


def test_entry_point_is_the_app() -> None:
    assert package_app is app


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(call: Call, name: str) -> None:
    result = call(name, "--help")
    assert result.exit_code == 0
    assert re.search(rf"^ +napari-sam2 {name}\b", result.output, re.MULTILINE)


def test_without_a_command_help_is_printed(call: Call) -> None:
    result = call()
    assert result.exit_code == 0
    assert all(name in result.output for name in COMMANDS)


def test_version(call: Call) -> None:
    from importlib.metadata import version

    result = call("--version")
    assert (result.exit_code, result.output) == (0, f"napari-sam2 {version('napari-sam2')}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["segmnt"], "No such command 'segmnt'"),
        (["segment"], "Missing argument 'STACK'. See: napari-sam2 segment --help"),
        (["segmnt"], " See: napari-sam2 --help"),
        (["info", "--jsn"], "No such option: --jsn"),
        (["demo", "--objects", "0"], "Invalid value for '--objects'"),
        (["models", "--download", "sam2.1_hiera_tny"], "did you mean 'sam2.1_hiera_tiny'?"),
        (["demo", "--truth", "a.tif"], "needs an IMAGE that it belongs to"),
        (["demo", "nowhere.tif"], "nowhere.tif does not exist; check the name and the folder."),
        (["demo", "--window", "7"], "'7' is too small to show an object; use 16 pixels or more"),
    ],
)
def test_errors_are_one_line_and_exit_code_two(
    call: Call, arguments: list[str], message: str
) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ")
    assert message in result.stderr


def test_message_of_several_lines_becomes_one(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise PromptError("one\n  two")

    monkeypatch.setattr("napari_sam2.cli.models._fetch", fail)
    assert call("models", "--download", "nano").stderr == "error: one two\n"


def test_unexpected_exceptions_are_not_swallowed(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setattr("napari_sam2.cli.models._fetch", fail)
    with pytest.raises(ZeroDivisionError, match="a bug of ours"):
        call("models", "--download", "nano")


def test_warnings_are_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(name: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("some values\nare NaN", UserWarning, stacklevel=1)

    monkeypatch.setattr("napari_sam2.cli.models._fetch", warn)
    before = warnings.showwarning
    result = call("models", "--download", "nano")
    assert result.stderr == "warning: some values are NaN\n"
    assert warnings.showwarning is before


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from napari_sam2.cli import app\n"
        "try:\n"
        "    app(['segment', '--help'])\n"
        "finally:\n"
        "    heavy = {'torch', 'numpy', 'napari', 'skimage', 'scipy', 'zarr', 'huggingface_hub'}\n"
        "    print(heavy & set(sys.modules) or 'light', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr.strip() == "light"
    assert "Usage: " in done.stdout
