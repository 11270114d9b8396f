"""``napari-sam2 info``: what a bug report needs."""

import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["collect", "info"]

PACKAGES = (
    "napari-sam2",
    "torch",
    "numpy",
    "scipy",
    "scikit-image",
    "dask",
    "zarr",
    "tifffile",
    "safetensors",
    "huggingface_hub",
    "napari",
    "npe2",
    "magicgui",
    "qtpy",
    "PyQt6",
    "PyQt5",
    "PySide6",
    "PySide2",
    "typer",
    "rich",
)
VARIABLES = (
    "NAPARI_SAM2_WEIGHTS",
    "HF_HOME",
    "HF_HUB_OFFLINE",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
)


def info(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print it as JSON, for other programs.")
    ] = False,
) -> None:
    """Print versions, devices, memory and folders: paste this into a bug report.

    Your home folder is written as ~.

    Example:

        napari-sam2 info
    """
    facts = collect()
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    for title, content in facts.items():
        typer.echo(title)
        for line in _lines(content):
            typer.echo(f"  {line}")


def collect() -> dict[str, Any]:
    """Collect the facts: sections of JSON's types."""
    return {
        "system": _system(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
        "devices": _devices(),
        "models": _models(),
        "folders": _folders(),
        "environment": {name: _home(os.environ[name]) for name in VARIABLES if name in os.environ},
    }


def _system() -> dict[str, Any]:
    import torch

    return {
        "platform": platform.platform(),
        "python": sys.version.split()[0],
        "processors": os.cpu_count(),
        "threads of torch": torch.get_num_threads(),
        "CUDA of torch": torch.version.cuda or "none",
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _devices() -> list[dict[str, Any]]:
    from napari_sam2.model.device import describe_devices

    return [
        {
            "device": device.device,
            "name": device.name,
            "memory in GB": round(device.total_memory / 1e9, 1),
            "free in GB": round(device.available_memory / 1e9, 1),
            "precision": device.precision,
            "used by default": device.is_default,
        }
        for device in describe_devices()
    ]


def _models() -> dict[str, str]:
    from napari_sam2.model.hub import all_cards, find_weights

    found = {name: find_weights(name) for name in all_cards()}
    return {name: _home(str(path)) for name, path in found.items() if path is not None}


def _folders() -> dict[str, str]:
    import tempfile

    from napari_sam2.model.hub import weights_folder
    from napari_sam2.model.own import own_models_folder

    return {
        "package": _home(str(Path(__file__).parent.parent)),
        "weights": _home(str(weights_folder())),
        "own models": _home(str(own_models_folder())),
        "temporary files": _home(tempfile.gettempdir()),
    }


def _home(text: str) -> str:
    """Leave the user's name out."""
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text


def _lines(content: Any) -> list[str]:
    if isinstance(content, list):
        return [", ".join(f"{key} {value}" for key, value in item.items()) for item in content]
    width = max((len(key) for key in content), default=0)
    return [f"{key:<{width}}  {value}" for key, value in content.items()] or ["none"]
