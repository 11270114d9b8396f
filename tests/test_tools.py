"""The scripts that set a machine up: dev.py and tools/."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(REPOSITORY))
    import dev

    return dev


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(REPOSITORY))
    from tools import system_libraries

    return system_libraries


@pytest.fixture
def debian(monkeypatch: pytest.MonkeyPatch, libraries):
    """A Debian with libgl1 and a "t64" library; records the commands that change it."""
    system = SimpleNamespace(commands=[], root=True, returncode=0)
    listed = "libgl1 installed\nlibglib2.0-0t64 installed\nxvfb config-files\n"

    def run(command, **_):
        if command[0] == "dpkg-query":
            return SimpleNamespace(returncode=0, stdout=listed)
        system.commands.append(command)
        return SimpleNamespace(returncode=system.returncode)

    monkeypatch.setattr(libraries.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(libraries.subprocess, "run", run)
    monkeypatch.setattr(libraries.os, "geteuid", lambda: 0 if system.root else 1000, raising=False)
    return system


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("test", []), ["run"]),
        (("test", ["-k", "stack"]), ["run", "-e", "py", "--", "-k", "stack"]),
        (("demo", []), ["run", "-e", "demo"]),
        (("demo", ["--out", "x"]), ["run", "-e", "demo", "--", "--out", "x"]),
        (("lint", []), ["run", "-e", "lint"]),
    ],
)
def test_job_becomes_a_tox_command(dev, arguments, expected) -> None:
    assert dev.tox_arguments(*arguments) == expected


@pytest.mark.parametrize("arguments", [[], ["tset"], ["--help"]])
def test_unknown_job_prints_the_jobs(arguments: list[str]) -> None:
    command = [sys.executable, str(REPOSITORY / "dev.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "python3 dev.py demo" in done.stdout


def test_installed_packages_are_left_alone(libraries, debian) -> None:
    assert libraries.install(["libgl1", "libglib2.0-0"], "windows")
    assert debian.commands == []


def test_root_gets_what_is_missing(libraries, debian) -> None:
    assert libraries.install(["libgl1", "xvfb"], "windows")
    update, install = debian.commands
    assert update[:2] == ["apt-get", "update"]
    assert "xvfb" in install
    assert "libgl1" not in install


def test_others_are_told_what_to_install(libraries, debian, capsys) -> None:
    debian.root = False
    assert not libraries.install(["libgl1", "xvfb"], "windows")
    assert debian.commands == []
    said = capsys.readouterr().out
    assert "sudo apt-get install --yes --no-install-recommends xvfb\n" in said


def test_failed_installation_is_told(libraries, debian, capsys) -> None:
    debian.returncode = 100
    assert not libraries.install(["xvfb"], "windows")
    assert "could not install" in capsys.readouterr().out


def test_other_systems_are_told_the_names(libraries, monkeypatch, capsys) -> None:
    monkeypatch.setattr(libraries.shutil, "which", lambda name: None)
    assert not libraries.install(["libgl1", "xvfb"], "windows")
    assert "libgl1 xvfb" in capsys.readouterr().out
