"""Where this package keeps what belongs to the user."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

__all__ = ["FOLDER_VARIABLE", "data_folder"]

FOLDER_VARIABLE: Final = "NAPARI_SAM2_HOME"


def data_folder() -> Path:
    """Return the folder for what this package keeps for the user; it may not exist yet.

    The environment variable NAPARI_SAM2_HOME, or what the system has for this.
    """
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "napari-sam2"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "napari-sam2"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "napari-sam2"
