from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from skimage.io import imread
from typer.testing import Result

from napari_sam2.stack import save_labels
from napari_sam2.synthetic import draw_stack

if TYPE_CHECKING:
    from pathlib import Path

Call = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one pair."""
    movie = draw_stack(1, (4, 64, 64))
    save_labels(tmp_path / "image.tif", movie.image, "ZYX")
    save_labels(tmp_path / "labels.tif", movie.labels, "ZYX")
    return tmp_path


def quick(weights: Path) -> list[object]:
    return ["--objects", 2, "--frames", 3, "--most-clicks", 5, "--checkpoint", weights]


def report_of(folder: Path) -> dict:
    report = json.loads((folder / "report.json").read_text())
    for one in report["sets"]:
        for result in one["results"]:
            assert result.pop("seconds") > 0
    return report


def test_a_pair_with_the_model_and_a_baseline(call: Call, weights: Path, folder: Path) -> None:
    arguments = [
        *("evaluate", folder / "image.tif", "--labels", folder / "labels.tif"),
        *("--method", "model", "--method", "watershed", "--device", "cpu"),
        *quick(weights),
    ]
    result = call(*arguments, "--out", folder / "out")
    assert result.exit_code == 0, result.stderr
    assert "model nano" in result.stderr
    assert max(map(len, result.stdout.splitlines()[:-1])) <= 80
    report = report_of(folder / "out")
    assert report["model"]["name"] == "nano"
    assert len(report["model"]["weights"]) == 64
    assert (report["frames"], report["options"]["objects"]) == (3, 2)
    (one,) = report["sets"]
    assert one["name"] == "image"
    assert [r["method"] for r in one["results"]] == ["nano", "watershed"]
    for r in one["results"]:
        assert len(r["clicks"]["objects"]) == len(r["frames"]["objects"]) == 2
    assert "| image | watershed | 2 |" in (folder / "out" / "report.md").read_text()
    assert imread(folder / "out" / "figure.png").ndim == 3
    again = call(*arguments, "--out", folder / "again")
    assert again.exit_code == 0
    assert report_of(folder / "again") == report


def test_a_folder_and_one_part(call: Call, folder: Path) -> None:
    result = call(
        *("evaluate", folder, "--method", "flood", "--part", "clicks", "--objects", 2),
        *("--out", folder / "out", "--set", "image", "--window", 0),
    )
    assert result.exit_code == 0, result.stderr
    report = report_of(folder / "out")
    assert report["model"] is None
    assert "frames" not in report["sets"][0]["results"][0]
    assert report["sets"][0]["window for clicks"] is None


def test_frames_as_time(call: Call, folder: Path) -> None:
    (folder / "tracks.txt").write_text("1 0 3 0\n")
    result = call(
        *("evaluate", folder / "image.tif", "--labels", folder / "labels.tif", "--follow", "t"),
        *("--tracks", folder / "tracks.txt", "--method", "flood", "--part", "frames"),
        *("--out", folder / "out", "--objects", 2),
    )
    assert result.exit_code == 0, result.stderr
    assert "TRA" in result.stdout
    assert 0 <= report_of(folder / "out")["sets"][0]["results"][0]["tracks"]["TRA"] <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["image.tif"], "is an image; give its truth with --labels"),
        (["nowhere"], "nowhere does not exist"),
        ([".", "--set", "moon"], "--set 'moon' is not there; . has image"),
        ([".", "--follow", "z"], "'--follow': needs --labels"),
        ([".", "--window", "3"], "is too small to show an object"),
        ([".", "--most-clicks", "4"], "--most-clicks"),
        ([".", "--out", "image.tif", "--method", "flood"], "cannot be made"),
        (["image.tif", "--labels", "nothing.tif", "--method", "flood"], "does not exist"),
    ],
)
def test_mistakes_are_one_line(
    call: Call,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(folder)
    result = call("evaluate", *arguments)
    assert result.exit_code == 2
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert message in lines[0]
