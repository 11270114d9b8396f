"""``napari-sam2 finetune`` and what ``models`` says of its results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_sam2 import Point, Session, load_model
from napari_sam2.errors import LearningError
from napari_sam2.model.own import own_models, own_models_folder
from napari_sam2.stack import save_labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Call = Callable[..., Result]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NAPARI_SAM2_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "home"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Two planes of grey discs; the object is the disc and as much again around it."""
    rng = np.random.default_rng(0)
    yy, xx = np.mgrid[:96, :96]
    image = rng.normal(90, 6, (2, 96, 96))
    labels = np.zeros((2, 96, 96), np.uint8)
    for frame in range(2):
        for label, (y, x) in enumerate([(24, 24), (24, 72), (72, 24), (72, 72)], 1):
            distance = np.hypot(yy - y, xx - x - 3 * frame)
            image[frame][distance < 8] += 100
            image[frame][(distance >= 8) & (distance < 16)] -= 20
            labels[frame][distance < 16] = label + 4 * frame
    paths = tmp_path / "image.tif", tmp_path / "labels.tif"
    save_labels(paths[0], np.clip(image, 0, 255).astype(np.uint8), "ZYX")
    save_labels(paths[1], labels, "ZYX")
    return paths


def finetune(call: Call, *arguments: object, minutes: float = 0.25) -> Result:
    common = ("--device", "cpu", "--precision", "float32", "--minutes", minutes)
    return call("finetune", "my-discs", *arguments, *common)


def test_a_model_is_made_listed_used_and_removed(
    call: Call, files: tuple[Path, Path], tmp_path: Path
) -> None:
    curve = tmp_path / "curve.csv"
    result = finetune(
        call, "--images", files[0], "--labels", files[1], "--frames", "0,1", "--curve", curve
    )
    assert result.exit_code == 0, result.output
    path = own_models_folder() / "my-discs.safetensors"
    assert f"my-discs: {path}" in result.stdout
    assert "calibration error" in result.stdout
    assert "8 objects on 2 planes" in result.stderr
    header, *rows = curve.read_text().splitlines()
    assert header == "round,step,seconds,loss,one_click,three_clicks,value"
    assert rows
    assert "Fine-tuned from nano" in call("models").stdout
    assert load_model("my-discs", device="cpu").name == "my-discs"
    again = finetune(call, "--images", files[0], "--labels", files[1])
    assert again.exit_code == 2
    assert "no model is overwritten" in again.stderr
    assert call("models", "--remove", "my-discs").stdout == f"removed my-discs: {path}\n"
    assert own_models() == []
    assert "is none of your own models" in call("models", "--remove", "nano").stderr


def test_a_session_is_learned_from(
    call: Call, files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = np.stack([np.full((96, 96), 90, np.uint8)] * 2)
    session = Session(stack, load_model("nano", device="cpu"), window_side=64, window_diameters=3)
    for object_id, y in ((1, 24), (2, 72)):
        mask = np.zeros((96, 96), bool)
        mask[y - 9 : y + 9, 30:50] = True
        session.take_mask(object_id, object_id - 1, mask)
    session.add_prompt(3, Point(0, (50.0, 80.0)))
    folder = tmp_path / "work.sam2session"
    session.save(folder)
    seen = []

    def learn(parent, planes, settings, report):
        seen.append((planes, settings))
        raise LearningError("nothing was learned that is worth keeping: seen.")

    monkeypatch.setattr("napari_sam2.cli.learning_run.fine_tune", learn)
    result = finetune(call, "--session", folder, "--images", files[0])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        "error: nothing was learned that is worth keeping: seen."
    )
    ((planes, settings),) = seen
    assert [(p.frame, p.object_ids) for p in planes] == [(0, [1]), (1, [2])]
    assert (settings.showing.window_side, settings.showing.window_diameters) == (64, 3.0)
    assert own_models() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give a --session FOLDER, or --images FILE with --labels FILE"),
        (("--session", "s"), "needs the image of the session"),
        (("--images", "a.tif"), "0 are given for 1 of --images"),
        (("--images", "a.tif", "--labels", "b.tif", "--frames", "x"), "is not a list of frames"),
        (("--images", "a.tif", "--session", "s", "--labels", "b.tif"), "goes without --session"),
    ],
)
def test_what_does_not_go_together_is_said(call: Call, arguments: tuple, words: str) -> None:
    result = finetune(call, *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_bad_name_is_refused_before_the_work(call: Call, files: tuple[Path, Path]) -> None:
    result = call("finetune", "../x", "--images", files[0], "--labels", files[1])
    assert result.exit_code == 2
    assert "cannot be called '../x'" in result.stderr


def test_fewer_objects_are_drawn_by_lot(files: tuple[Path, Path]) -> None:
    from napari_sam2.cli.learning_sources import Sources

    sources = Sources(None, (files[0],), (files[1],), None, 3, None, 0)
    planes, showing = sources.read(load_model("nano", device="cpu"))
    assert sum(len(p.object_ids) for p in planes) == 3
    assert not any(p.is_complete for p in planes)
    assert showing.window_side == 128
