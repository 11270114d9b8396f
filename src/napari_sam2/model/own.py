"""The user's own models: fine-tuned weights under a name of the user's choice, each with the record of how it was made.

``<data folder>/models/NAME.safetensors``; the record is in the file's metadata. Imports no torch: listing is quick.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from napari_sam2.errors import CheckpointError
from napari_sam2.places import data_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "LINEAGE_KEY",
    "OwnModel",
    "own_model",
    "own_models",
    "own_models_folder",
    "path_for",
    "remove_own_model",
]

LINEAGE_KEY: Final = "napari_sam2_lineage"
"""Of the metadata: where the weights come from, JSON."""

_ENDING: Final = ".safetensors"
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_LONGEST_HEADER: Final = 8 * 2**20  # bytes
_DEVICES_OF_WINDOWS: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_RESERVED: Final = re.compile(
    r"nano|auto|default|sam2(\..)?_.*"
)  # what comes with the package, now or later


@dataclass(frozen=True, slots=True)
class OwnModel:
    """One of the user's models.

    Parameters
    ----------
    name : str
        What `load_model` takes.
    path : Path
        Its file.
    size : int
        Bytes.
    lineage : dict
        How it was made (see docs/fine-tuning.md); empty if the file does not say.
    damage : str
        Why the file cannot be read; "" if it can.
    """

    name: str
    path: Path
    size: int
    lineage: dict[str, Any] = field(default_factory=dict)
    damage: str = ""

    @property
    def network(self) -> str:
        """Name of the released network with the same architecture; "" if the file does not say."""
        return str(self.lineage.get("network", ""))

    @property
    def note(self) -> str:
        """A sentence for someone who has to choose."""
        if self.damage:
            return f"Damaged: {self.damage}."
        if not self.lineage:
            return "Put there by hand."
        try:
            before, after = (self.lineage[key]["one_click"] for key in ("before", "after"))
            return (
                f"Fine-tuned from {self.lineage['parent']} on {self.lineage['date'][:10]}; IoU after one click on "
                f"held-out objects {before:.2f}, now {after:.2f}."
            )
        except (KeyError, TypeError, ValueError):
            return "Fine-tuned by another version of this package."


def own_models_folder() -> Path:
    """Return the folder of the user's models; it may not exist yet."""
    return data_folder() / "models"


def own_models() -> list[OwnModel]:
    """List the user's models by name; a damaged file is listed with its damage."""
    folder = own_models_folder()
    if not folder.is_dir():
        return []
    files = sorted(folder.glob(f"*{_ENDING}"))
    return [_read(file) for file in files if _fault(file.stem) == "" and file.is_file()]


def own_model(name: str) -> OwnModel | None:
    """Look one of the user's models up; None if there is none of that name."""
    if _fault(str(name)):
        return None
    file = own_models_folder() / f"{name}{_ENDING}"
    return _read(file) if file.is_file() else None


def path_for(name: str) -> Path:
    """Return where a new model of this name belongs.

    Raises
    ------
    CheckpointError
        If the name cannot be used, or is taken.
    """
    fault = _fault(name)
    if fault:
        raise CheckpointError(f"a model cannot be called {name!r}: {fault}.")
    file = own_models_folder() / f"{name}{_ENDING}"
    if file.exists():
        raise CheckpointError(
            f"there is a model {name!r} already, and no model is overwritten; choose another name, or remove it with: "
            f"napari-sam2 models --remove {name}"
        )
    return file


def remove_own_model(name: str) -> Path:
    """Delete one of the user's models.

    Raises
    ------
    CheckpointError
        If there is none of that name; what comes with the package or from the Hub is not deleted.
    """
    found = own_model(name)
    if found is None:
        own = ", ".join(model.name for model in own_models()) or "none"
        raise CheckpointError(
            f"{name!r} is none of your own models, and only these can be removed: {own}."
        )
    found.path.unlink()
    return found.path


def _fault(name: str) -> str:
    """Say what is wrong with a name, "" if nothing is: it becomes a file name on any system, and must not shadow a model."""
    if _DEVICES_OF_WINDOWS.fullmatch(name):
        return "the name means a device on Windows; choose another one"
    if not _NAME.fullmatch(name) or ".." in name:
        return "use 1 to 64 small letters, digits, dots, - and _, with a letter or digit at both ends, such as my-nuclei"
    if _RESERVED.fullmatch(name):
        return "that is, or may become, the name of a model of this package; choose another one"
    return ""


def _read(file: Path) -> OwnModel:
    """Read what a file says of itself; nothing of it is trusted."""
    size = file.stat().st_size
    try:
        metadata = _metadata(file, size)
        lineage = json.loads(metadata.get(LINEAGE_KEY, "{}"))
        if not isinstance(lineage, dict):
            raise TypeError("its lineage is no record")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        return OwnModel(file.stem, file, size, damage=str(error).splitlines()[0])
    return OwnModel(file.stem, file, size, lineage)


def _metadata(file: Path, size: int) -> dict[str, str]:
    """Read the metadata of a safetensors file: eight bytes of length, then JSON, then the tensors."""
    with file.open("rb") as stream:
        start = stream.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or not 2 <= length <= min(_LONGEST_HEADER, size - 8):
            raise ValueError("it is no safetensors file, or cut off")
        header = json.loads(stream.read(length).decode("utf-8"))
    if not isinstance(header, dict):
        raise TypeError("its header is no record")
    metadata = header.pop("__metadata__", {})
    ends = [
        int(entry["data_offsets"][1])
        for entry in header.values()
        if isinstance(entry, dict) and "data_offsets" in entry
    ]
    if not ends or max(ends) != size - 8 - length:
        raise ValueError("its tensors are incomplete")
    if not isinstance(metadata, dict):
        raise TypeError("its metadata is no record")
    return metadata
