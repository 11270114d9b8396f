"""Fixtures for all tests."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

# the same examples everywhere; how long one takes says how busy the machine is
hypothesis.settings.register_profile(
    "napari_sam2",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("napari_sam2")

REPOSITORY = Path(__file__).resolve().parent.parent

OPEN_A_WINDOW = (
    "from qtpy.QtWidgets import QApplication, QWidget\n"
    "application = QApplication([])\n"
    "window = QWidget()\n"
    "window.show()\n"
    "application.processEvents()\n"
)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The real stacks: ``NAPARI_SAM2_DATA``, or shared/data beside the checkout."""
    named = os.environ.get("NAPARI_SAM2_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if folder.is_dir():
        return folder.resolve()
    if named:
        pytest.fail(f"NAPARI_SAM2_DATA is {named!r}, which is no folder; correct it or unset it.")
    pytest.skip(f"no real stacks: {folder} does not exist; set NAPARI_SAM2_DATA to their folder.")


@functools.cache
def _no_window_because() -> str:
    """Why no window can be opened here, "" if one can; asked of another process, because Qt aborts."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", OPEN_A_WINDOW], capture_output=True, text=True, timeout=60
        )
    except subprocess.TimeoutExpired:
        return "opening a window took more than 60 s"
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Explain a test that cannot open a window; in CI (the variable) it fails, elsewhere it is skipped."""
    if item.get_closest_marker("gui") is None or not (reason := _no_window_because()):
        return
    message = f"no window can be opened ({reason}); run: python tools/system_libraries.py"
    if os.environ.get("CI"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
