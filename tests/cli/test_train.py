"""``napari-sam2 train``: a run that is begun, gone on with, and exported."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

import napari_sam2 as sam2
from napari_sam2.cli.app import app
from napari_sam2.training.settings import Settings
from napari_sam2.training.trainer import Trainer


@pytest.fixture
def call():
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, ["train", *map(str, arguments)])


def test_a_run_goes_on_with_its_settings(call, tmp_path, monkeypatch) -> None:
    seen: list[Settings] = []
    monkeypatch.setattr(Trainer, "run", lambda self, **_: seen.append(self.settings))
    folder = tmp_path / "run"
    first = call(folder, "--minutes", 5, "--set", "crops=3", "--set", "sides=64,96")
    second = call(folder, "--minutes", 7, "--set", "side-shares=0.5,0.5")
    assert (first.exit_code, second.exit_code) == (0, 0), second.output
    assert [s.crops for s in seen] == [3, 3]
    assert [s.minutes for s in seen] == [5, 7]
    assert seen[1].sides == (64, 96)
    assert seen[1].side_shares == (0.5, 0.5)
    assert replace(seen[1], crops=8, minutes=75.0, sides=Settings().sides).seed == Settings().seed


@pytest.mark.parametrize(
    ("change", "message"),
    [("colour=red", "names no setting; those are model"), ("crops=many", "of another kind than 8")],
)
def test_wrong_settings_are_one_line(call, tmp_path, change, message) -> None:
    result = call(tmp_path / "run", "--set", change)
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "run").exists()


def test_two_steps_make_a_model_that_loads(call, tmp_path) -> None:
    options = ["steps=2", "crops=2", "objects=2", "first_planes=2", "fresh=0", "clip_share=0"]
    settings = [part for option in (*options, "workers=0") for part in ("--set", option)]
    out = tmp_path / "tiny.safetensors"
    result = call(tmp_path / "run", *settings, "--score-every", 0, "--out", out)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "run" / "state.pt").exists()
    assert sam2.load_model("nano", checkpoint=out).config == sam2.load_model("nano").config
    again = call(tmp_path / "run", "--minutes", 0, "--out", tmp_path / "again.safetensors")
    assert again.exit_code == 0
    written, once_more = (load_file(f) for f in (out, tmp_path / "again.safetensors"))
    assert written.keys() == once_more.keys()
    assert all(torch.equal(written[name], once_more[name]) for name in written)
