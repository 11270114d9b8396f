"""What each part may import (docs/adr/0001), and what importing the package costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import napari_sam2

SOURCE = Path(__file__).resolve().parent.parent / "src" / "napari_sam2"
FILES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))

VALUES = {"prompts", "results", "errors", "places"}
ENGINE = {"model", "stack", *VALUES}
SESSION = {"engine", *ENGINE}
SESSION_LIBRARIES = {"torch", "skimage", "scipy", "zarr"}

# part or file: (our parts, libraries); a file adds to its part, numpy is for all but model
ALLOWED: dict[str, tuple[set[str], set[str]]] = {
    "__init__": ({"model", "session", "stack", "_napari", *VALUES}, set()),
    "prompts": ({"errors"}, set()),
    "results": ({"errors"}, set()),
    "errors": (set(), set()),
    "places": (set(), set()),
    "model": ({"errors", "places"}, {"torch"}),
    "model/hub.py": (set(), {"huggingface_hub"}),
    "model/transfer.py": (set(), {"huggingface_hub"}),
    "model/weights.py": (set(), {"safetensors"}),
    "stack": ({"errors"}, {"dask"}),
    "stack/files.py": (set(), {"tifffile", "zarr", "skimage"}),
    "engine": (ENGINE, {"torch", "skimage", "scipy"}),
    "session": (SESSION, SESSION_LIBRARIES),
    "synthetic": (set(), {"scipy", "skimage"}),
    "training": (
        {"model", "engine", "synthetic", "errors"},
        {"torch", "scipy", "skimage", "safetensors"},
    ),
    "batch": ({"session", *SESSION}, SESSION_LIBRARIES | {"dask"}),
    "evaluation": ({"session", *SESSION}, {"scipy", "skimage"}),
    "dataset": ({"session", *SESSION}, set()),
    "dataset/images.py": (set(), {"tifffile"}),
    "learning": (
        {"evaluation", "training", "session", *SESSION},
        {"torch", "scipy"},
    ),
    "cli": (
        {
            "batch",
            "dataset",
            "evaluation",
            "learning",
            "session",
            "synthetic",
            "training",
            *SESSION,
        },
        SESSION_LIBRARIES | {"typer", "rich"},
    ),
    "_napari": (
        {"learning", "session", "synthetic", *VALUES},
        {"napari", "qtpy", "superqt", "magicgui"},
    ),
    "_napari/ghost.py": (set(), {"vispy"}),
    "_napari/pixels.py": (set(), {"zarr"}),
    "_napari/samples.py": (set(), {"skimage"}),
}

DISTRIBUTIONS = {"skimage": "scikit-image"}  # where the name to import is not the name to install


def part_of(file: str) -> str:
    return file.split("/")[0].removesuffix(".py")


def home_of(name: str) -> str:
    """The module of a name on the package's face."""
    return napari_sam2._HOME.get(name, name).partition(":")[0]


def imported(file: str, text: str) -> set[str]:
    """All modules that a file imports, wherever in it; names from the package's face as their home."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} line {node.lineno}: write imports in full."
            if node.module == "napari_sam2":
                homes = (home_of(alias.name) for alias in node.names)
                found |= {f"napari_sam2.{home}" for home in homes}
            else:
                found.add(str(node.module))
    return found


def breaches(file: str, text: str) -> list[str]:
    """The imports of a file that its row does not allow."""
    part = part_of(file)
    parts, libraries = ALLOWED[part]
    more_parts, more_libraries = ALLOWED.get(file, (set(), set()))
    own = {"__version__", part, *parts, *more_parts}
    foreign = {*libraries, *more_libraries, *sys.stdlib_module_names}
    if part != "model":
        foreign.add("numpy")
    broken = []
    for name in sorted(imported(file, text)):
        top, _, rest = name.partition(".")
        allowed = rest.split(".")[0] in own if top == "napari_sam2" else top in foreign
        if not allowed:
            broken.append(name)
    return broken


@pytest.mark.parametrize("file", FILES)
def test_imports_stay_within_the_row_of_the_part(file: str) -> None:
    assert part_of(file) in ALLOWED, f"{file}: no row for this part; see docs/adr/0001."
    broken = breaches(file, (SOURCE / file).read_text(encoding="utf-8"))
    assert not broken, f"{file} may not import {', '.join(broken)}; see docs/adr/0001."


@pytest.mark.parametrize(
    ("file", "text", "broken"),
    [
        ("stack/axes.py", "import numpy, os\nfrom napari_sam2.errors import AxisError", []),
        ("stack/axes.py", "import torch", ["torch"]),
        ("model/network.py", "import torch, numpy.typing", ["numpy.typing"]),
        ("stack/axes.py", "import tifffile", ["tifffile"]),
        ("stack/files.py", "import tifffile", []),
        (
            "model/network.py",
            "def f():\n    from napari_sam2.engine import cache",
            ["napari_sam2.engine"],
        ),
        (
            "_napari/widget.py",
            "from napari_sam2 import Point, load_model",
            ["napari_sam2.model.load"],
        ),
        ("_napari/widget.py", "import napari_sam2", ["napari_sam2"]),
        ("session/__init__.py", "if TYPE_CHECKING:\n    import napari.layers", ["napari.layers"]),
    ],
)
def test_the_check_finds_a_broken_row(file: str, text: str, broken: list[str]) -> None:
    assert breaches(file, text) == broken


def test_every_library_is_a_declared_dependency() -> None:
    project = tomllib.loads((SOURCE.parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {Requirement(text).name for text in project["project"]["dependencies"]}
    used = set().union(*(libraries for _, libraries in ALLOWED.values()))
    assert {DISTRIBUTIONS.get(name, name) for name in used | {"numpy"}} <= declared


WITHOUT_NAPARI_AND_QT = """
import importlib, sys

class Absent:
    names = {"napari", "qtpy", "superqt", "magicgui", "vispy", "PyQt5", "PyQt6", "PySide2", "PySide6"}

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            raise ImportError(f"{name} is not installed (the test says so)")

sys.meta_path.insert(0, Absent())
try:
    import napari
except ImportError:
    pass
else:
    raise SystemExit("napari could be imported: the test tests nothing")
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def modules(*parts: str) -> list[str]:
    files = [file for file in FILES if part_of(file) in parts and not file.endswith("__main__.py")]
    names = [file.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in files]
    return [f"napari_sam2.{name}" for name in names]


@pytest.mark.parametrize("parts", [{"session"}, ALLOWED.keys() - {"_napari", "session"}])
def test_parts_can_be_imported_without_napari_and_qt(parts: set[str]) -> None:
    command = [sys.executable, "-c", WITHOUT_NAPARI_AND_QT, *modules(*parts)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_import_of_the_package_loads_no_heavy_library() -> None:
    code = (
        "import sys; import napari_sam2; dir(napari_sam2)\n"
        "print({'torch', 'napari', 'numpy', 'dask', 'zarr', 'qtpy'} & set(sys.modules) or 'light')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "light"


def test_import_of_the_package_takes_less_than_a_third_of_a_second() -> None:
    def seconds() -> float:
        command = [sys.executable, "-X", "importtime", "-c", "import napari_sam2"]
        log = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        line = re.search(r"(\d+) \| napari_sam2$", log, re.MULTILINE)
        assert line, log
        return int(line[1]) * 1e-6

    assert min(seconds() for _ in range(5)) < 0.3


@pytest.mark.parametrize(
    "name", [n for n in napari_sam2.__all__ if n not in ("__version__", "errors")]
)
def test_public_name_comes_from_its_home(name: str) -> None:
    found = getattr(napari_sam2, name)
    assert found.__module__.startswith(f"napari_sam2.{home_of(name)}")
    assert found.__name__ in (name, napari_sam2._HOME[name].partition(":")[2])


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'napari_sam2' has no attribute 'sam3'"):
        _ = napari_sam2.sam3


def test_all_names_are_listed() -> None:
    assert set(napari_sam2.__all__) <= set(dir(napari_sam2))
    assert set(napari_sam2._HOME) == set(napari_sam2.__all__) - {"__version__", "errors"}
