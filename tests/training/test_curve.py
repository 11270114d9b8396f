from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_sam2.training.curve import Curve, RunningMean

if TYPE_CHECKING:
    from pathlib import Path


def test_rows_of_undone_steps_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    curve = Curve(path, ("step", "loss"), 0)
    for step in (10, 20, 30):
        curve.add({"step": step, "loss": step / 3, "other": 1})
    Curve(path, ("step", "loss"), 20).add({"step": 25, "loss": 1.0})
    assert path.read_text().split() == ["step,loss", "10,3.3333", "20,6.6667", "25,1"]


def test_means_start_again_when_taken() -> None:
    mean = RunningMean()
    mean.add({"a": 1.0})
    mean.add({"a": 4.0})
    assert mean.take() == {"a": pytest.approx(2.5)}
    mean.add({"a": 7.0})
    assert mean.take() == {"a": 7.0}
