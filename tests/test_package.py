"""What is shipped: the manifest, the wheel, the version, the commands that the README promises."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import npe2
import pytest

import napari_sam2

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = REPOSITORY / "src" / "napari_sam2"
MANIFEST = npe2.PluginManifest.from_file(SOURCE / "napari.yaml")

# Runs with the site-packages of the test first, then the real ones (for what we depend on).
FIND_MANIFEST = """
import site, sys
for folder in sys.argv[1:]:
    site.addsitedir(folder)
import napari_sam2, npe2
manifest = npe2.PluginManifest.from_distribution("napari-sam2")
print(napari_sam2.__file__, len(manifest.contributions.commands), manifest.package_version)
"""


def build(target: str, folder: Path) -> zipfile.ZipFile:
    """Build a wheel of the checkout ("standard" or "editable"), without the network."""
    command = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "-t",
        f"wheel:{target}",
        "-d",
        str(folder),
    ]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return build("standard", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def project() -> dict:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"]


def test_manifest_declares_the_window_and_the_samples() -> None:
    contributions = MANIFEST.contributions
    assert MANIFEST.name == "napari-sam2"
    assert [widget.display_name for widget in contributions.widgets] == ["SAM 2"]
    assert [sample.key for sample in contributions.sample_data] == [
        "nuclei_stack",
        "nuclei_with_truth",
        "dividing_cells",
        "em_stack",
        "two_channels",
        "cells3d",
    ]
    declared = {command.id for command in contributions.commands}
    in_menus = [item for items in contributions.menus.values() for item in items]
    used = {
        item.command for item in (*contributions.widgets, *contributions.sample_data, *in_menus)
    }
    assert used == declared


@pytest.mark.parametrize("command", MANIFEST.contributions.commands, ids=lambda c: c.id)
def test_manifest_names_can_be_imported(
    command: npe2.manifest.contributions.CommandContribution,
) -> None:
    module, _, name = command.python_name.partition(":")
    if not (SOURCE / module.removeprefix("napari_sam2.") / "__init__.py").exists():
        pytest.skip(f"{module} does not exist yet")
    assert callable(getattr(importlib.import_module(module), name))


def test_root_manifest_is_the_one_in_the_package() -> None:
    assert (REPOSITORY / "napari.yaml").samefile(SOURCE / "napari.yaml")


@pytest.mark.parametrize("target", ["standard", "editable"])
def test_manifest_is_found_when_installed(target: str, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with build(target, tmp_path) as archive:
        archive.extractall(site)
    real = [path for path in sys.path if path.endswith("site-packages")]
    done = subprocess.run(
        [sys.executable, "-S", "-c", FIND_MANIFEST, str(site), *real],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    file, commands, version = done.stdout.split()
    root = SOURCE if target == "editable" else site / "napari_sam2"
    assert Path(file) == root / "__init__.py"
    declared = len(MANIFEST.contributions.commands)
    assert (int(commands), version) == (declared, napari_sam2.__version__)


def test_wheel_holds_the_whole_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
    wanted = {
        path.relative_to(SOURCE.parent).as_posix()
        for path in SOURCE.rglob("*")
        if path.is_file() and path.suffix in {".py", ".yaml", ".toml", ".typed", ".safetensors"}
    }
    assert {"napari_sam2/napari.yaml", "napari_sam2/py.typed"} <= shipped
    assert shipped == wanted


def test_wheel_is_pure_and_carries_its_licences(wheel: zipfile.ZipFile, project: dict) -> None:
    info = f"napari_sam2-{project['version']}.dist-info"
    assert Path(str(wheel.filename)).name.endswith("-py3-none-any.whl")
    metadata = wheel.read(f"{info}/METADATA").decode()
    assert "License-Expression: BSD-3-Clause" in metadata
    assert "Classifier: Framework :: napari\n" in metadata
    for name in ("LICENSE", "NOTICE"):
        assert wheel.read(f"{info}/licenses/{name}") == (REPOSITORY / name).read_bytes()
    assert "Apache License, Version 2.0" in wheel.read(f"{info}/licenses/NOTICE").decode()


def test_base_installation_brings_no_qt_and_no_url(project: dict) -> None:
    base = " ".join(project["dependencies"]).lower()
    assert not re.search(r"pyqt|pyside|napari\[|git\+|://|torchvision|hydra|transformers", base)
    assert project["optional-dependencies"]["all"] == ["napari[all]"]


def test_version_is_the_newest_of_the_changelog(project: dict) -> None:
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)
    assert releases[0] == project["version"] == napari_sam2.__version__
    citation = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {releases[0]}\n" in citation


def test_console_script_is_the_command_line() -> None:
    (script,) = entry_points(group="console_scripts", name="napari-sam2")
    assert script.value == "napari_sam2.cli:app"
    if not list(SOURCE.glob("cli*")):
        pytest.skip("napari_sam2.cli does not exist yet")
    assert callable(script.load())


def test_ci_runs_the_command_of_the_readme() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "\npython3 dev.py demo\n" in readme
    assert "\npython3 dev.py test\n" in readme
    assert "python3 dev.py test" in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
