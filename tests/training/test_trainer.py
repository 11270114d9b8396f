from __future__ import annotations

import csv
import os
import signal
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from napari_sam2.model.load import load_model
from napari_sam2.training.export import averaged_weights, export
from napari_sam2.training.settings import Settings
from napari_sam2.training.trainer import Trainer

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sam2.training.pool import Draw


def _settings(model: str, steps: int, **more: object) -> Settings:
    return Settings(
        model=model,
        steps=steps,
        crops=2,
        clips=2,
        first_planes=3,
        first_clips=3,
        fresh=0.3,
        sides=(64,),
        side_shares=(1.0,),
        workers=0,
        **more,  # type: ignore[arg-type]
    )


def _state(folder: Path) -> dict[str, torch.Tensor]:
    state = torch.load(folder / "state.pt", weights_only=True)
    tensors = {f"net.{k}": v for k, v in state["net"].items()}
    tensors |= {f"average.{k}": v for k, v in state["average"].items()}
    for number, values in state["optimizer"]["state"].items():
        tensors |= {f"optimizer.{number}.{k}": v for k, v in values.items()}
    return tensors


def test_a_resumed_run_is_the_same_run(
    tmp_path: Path, small_name: str, discs: Draw, disc_clips: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _settings(small_name, 6, clips_from=0.3)
    Trainer(tmp_path / "whole", settings, discs, disc_clips).run(score_every=0, log_every=1)

    take_step = Trainer.take_step

    def interrupted(self: Trainer, pools: object) -> object:
        if self.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return take_step(self, pools)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "take_step", interrupted)
        Trainer(tmp_path / "parts", settings, discs, disc_clips).run(score_every=0, log_every=1)
    assert torch.load(tmp_path / "parts" / "state.pt", weights_only=True)["step"] == 4
    Trainer(tmp_path / "parts", settings, discs, disc_clips).run(score_every=0, log_every=1)

    whole, parts = _state(tmp_path / "whole"), _state(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    rows = list(csv.DictReader((tmp_path / "parts" / "curve.csv").open()))
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert {row["kind"] for row in rows} == {"image", "clip"}


def test_a_short_run_on_one_image_learns(
    tmp_path: Path, small_name: str, discs: Draw, disc_clips: Draw
) -> None:
    def one(_: int) -> object:
        return discs(0)

    settings = _settings(small_name, 30, peak_rate=2e-3, clips_from=1.0)
    run = Trainer(tmp_path, settings, one, disc_clips)
    pools = run._open_pools()
    losses = [float(run.take_step(pools)[1].total.detach()) for _ in range(30)]
    assert np.mean(losses[-8:]) < 0.7 * np.mean(losses[:4])


def test_scores_are_written(tmp_path: Path, small_name: str, discs: Draw, disc_clips: Draw) -> None:
    Trainer(tmp_path, _settings(small_name, 1), discs, disc_clips).run(score_every=1e9)
    (row,) = csv.DictReader((tmp_path / "validation.csv").open())
    scores = {k: float(row[k]) for k in ("click", "click_best", "three_clicks", "box", "tracked")}
    assert all(0 <= score <= 1 for score in scores.values())
    assert scores["click"] <= scores["click_best"] + 1e-6


def test_a_broken_loss_stops_the_run(
    tmp_path: Path, small_name: str, discs: Draw, disc_clips: Draw
) -> None:
    run = Trainer(tmp_path, _settings(small_name, 3), discs, disc_clips)
    with torch.no_grad():
        run.net.no_mem_embed.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="step 0"):
        run.run(score_every=0)


def test_time_can_be_the_measure(
    tmp_path: Path, small_name: str, discs: Draw, disc_clips: Draw
) -> None:
    settings = _settings(small_name, 0, minutes=0.5 / 60)
    run = Trainer(tmp_path, settings, discs, disc_clips)
    run.run(score_every=0)
    assert run.progress >= 1
    assert 0.5 <= run.elapsed < 30


def test_exported_weights_load_as_a_model(tmp_path: Path, discs: Draw, disc_clips: Draw) -> None:
    Trainer(tmp_path, _settings("nano", 1), discs, disc_clips).run(score_every=0)
    target = tmp_path / "nano.safetensors"
    assert export(tmp_path, target) < 12e6
    net = load_model("nano", checkpoint=target, device="cpu", precision="float32")
    for name, value in averaged_weights(tmp_path).items():
        torch.testing.assert_close(net.state_dict()[name], value.half().float())


def test_two_runs_are_blended(tmp_path: Path, discs: Draw, disc_clips: Draw) -> None:
    for seed, name in enumerate(("new", "old")):
        settings = _settings("nano", 1, seed=seed)
        Trainer(tmp_path / name, settings, discs, disc_clips).run(score_every=0)
    new, old = (averaged_weights(tmp_path / name) for name in ("new", "old"))
    target = tmp_path / "blend.safetensors"
    export(tmp_path / "new", target, blend=tmp_path / "old", share=0.25)
    blended = load_model("nano", checkpoint=target, device="cpu", precision="float32").state_dict()
    for name in ("memory_encoder.out_proj.weight", "no_mem_embed"):
        wanted = 0.25 * new[name] + 0.75 * old[name]
        torch.testing.assert_close(blended[name], wanted.half().float())


def test_a_folder_without_a_run_cannot_be_exported(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"state\.pt"):
        export(tmp_path, tmp_path / "out.safetensors")
