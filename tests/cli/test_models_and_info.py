from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from napari_sam2.cli.info import collect
from napari_sam2.model.hub import CARDS

Call = Callable[..., Result]


@pytest.fixture(autouse=True)
def no_weights_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty weights folder, and no network."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv("NAPARI_SAM2_WEIGHTS", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    return folder


def rows(output: str) -> dict[str, list[str]]:
    cells = [[c.strip() for c in line.split("│")[1:-1]] for line in output.splitlines()]
    return {row[0]: row[1:] for row in cells if row}


def test_all_models_are_listed_honestly(call: Call, no_weights_of_the_user: Path) -> None:
    (no_weights_of_the_user / "sam2.1_hiera_tiny.pt").write_bytes(b"some weights")
    result = call("models")
    assert result.exit_code == 0
    table = rows(result.stdout)
    assert list(table) == list(CARDS)
    assert table["sam2.1_hiera_tiny"][:3] == ["yes", "156", "Apache-2.0"]
    assert table["sam2.1_hiera_large"][:3] == ["no", "898", "Apache-2.0"]
    assert table["nano"][2] == "BSD-3-Clause"
    for words in ("Small", "synthetic images only", "try, test and teach", "for real work choose"):
        assert words in table["nano"][3]
    assert f"kept in {no_weights_of_the_user}" in result.stdout
    assert "napari-sam2 models --download NAME" in result.stdout


def test_listing_fetches_nothing(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("napari_sam2.model.transfer.fetch", fetch)
    assert call("models").exit_code == 0


def test_download(
    call: Call, monkeypatch: pytest.MonkeyPatch, no_weights_of_the_user: Path
) -> None:
    asked = []

    def fetch(repo: str, file: str, target: Path, report: Callable[[int, int], object]) -> None:
        asked.append((repo, file))
        report(5, 10)
        report(10, 10)
        target.write_bytes(b"0123456789")

    monkeypatch.setattr("napari_sam2.model.transfer.fetch", fetch)
    result = call("models", "--download", "sam2_hiera_small")
    path = no_weights_of_the_user / "sam2_hiera_small.pt"
    assert (result.exit_code, result.stdout) == (0, f"sam2_hiera_small: {path}\n")
    assert asked == [("facebook/sam2-hiera-small", "sam2_hiera_small.pt")]
    again = call("models", "--download", "sam2_hiera_small")
    assert again.stdout == f"sam2_hiera_small is here already: {path}\n"
    assert len(asked) == 1


def test_stopped_download_says_how_to_go_on(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_sam2.model.transfer.fetch", fetch)
    result = call("models", "--download", "sam2_hiera_small")
    assert result.exit_code == 130
    assert result.stderr == (
        "stopped; what has arrived is kept, and the same command goes on from there.\n"
    )


def test_info_for_people(call: Call, no_weights_of_the_user: Path) -> None:
    output = call("info").stdout
    assert "napari-sam2" in output
    assert "device cpu, name " in output
    assert f"NAPARI_SAM2_WEIGHTS  {no_weights_of_the_user}" in output
    for title in ("system", "versions", "devices", "models", "folders", "environment"):
        assert title in output.splitlines()


def test_info_for_programs(call: Call) -> None:
    import torch

    facts = json.loads(call("info", "--json").stdout)
    assert facts["versions"]["torch"] == torch.__version__
    assert facts["devices"][0]["used by default"] is True
    cpu = next(d for d in facts["devices"] if d["device"] == "cpu")
    assert 0 < cpu["free in GB"] <= cpu["memory in GB"]
    assert cpu["precision"] in ("float32", "bfloat16")


def test_info_leaves_the_home_folder_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", classmethod(lambda cls: tmp_path))
    text = json.dumps(collect())
    assert str(tmp_path) not in text
    assert "~/weights" in text
