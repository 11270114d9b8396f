"""The evaluation on a small part of the real stacks: the bundled model stays above a floor on every set.

Six objects of each set, eight frames; half a minute of one processor. The floors are what a model that works has, with a margin; a
broken one is far below them. docs/evaluation.md says what is measured.
"""

from __future__ import annotations

import numpy as np
import pytest

import napari_sam2 as sam2
from napari_sam2.evaluation import ModelMethod, Options, evaluate_scene, find_sets, read_scene

# median IoU on planes: after one click, after three, with a box
CLICKS = {
    "embryo": (0.76, 0.76, 0.70),
    "mitocheck": (0.75, 0.82, 0.76),
    "migration": (0.76, 0.72, 0.75),
    "c2c12": (0.63, 0.63, 0.64),
    "t98g-18": (0.42, 0.57, 0.48),
    "t98g-26": (0.43, 0.50, 0.44),
    "fluo256": (0.68, 0.72, 0.64),
    "fluo520": (0.80, 0.82, 0.78),
    "brightfield": (0.54, 0.66, 0.58),
    "histology": (0.60, 0.72, 0.60),
    "ovule": (0.57, 0.61, 0.64),
    "fib25": (0.24, 0.28, 0.12),
}
# median IoU of all voxels: after one click, after one correction
FRAMES = {
    "embryo": (0.28, 0.31),
    "mitocheck": (0.70, 0.70),
    "migration": (0.38, 0.43),
    "ovule": (0.40, 0.40),
    "fib25": (0.13, 0.13),
}
# SEG, DET and TRA after one click
TRACKS = {"mitocheck": (0.72, 0.86, 0.80), "migration": (0.40, 0.55, 0.50)}

PART = Options(objects=6, most_clicks=5)
MOST_FRAMES = 8


@pytest.fixture(scope="module")
def results(data_dir):
    """One result per set."""
    method = ModelMethod(sam2.load_model("nano", device="cpu", precision="float32"))
    return {
        one.name: evaluate_scene(read_scene(one, MOST_FRAMES), [method], PART).results[0]
        for one in find_sets(data_dir)
    }


def below(values, floors) -> list[str]:
    """Say which values are below their floors."""
    return [f"{v:.3f} < {f}" for v, f in zip(values, floors, strict=True) if not v >= f]  # NaN too


def test_every_set_has_a_floor(results) -> None:
    assert results.keys() == CLICKS.keys()
    assert {name for name, r in results.items() if r.carried} == FRAMES.keys()
    assert {name for name, r in results.items() if r.tracking} == TRACKS.keys()


@pytest.mark.parametrize("name", CLICKS)
def test_clicks_and_boxes(results, name) -> None:
    clicks = results[name].clicks
    assert len(clicks) == (2 if name == "embryo" else 6)
    ious = [(r.iou_after(1), r.iou_after(3), r.box_iou) for r in clicks]
    assert not below(np.median(ious, axis=0), CLICKS[name])


@pytest.mark.parametrize("name", FRAMES)
def test_one_click_carried_and_corrected(results, name) -> None:
    ious = [(r.before.iou, r.after.iou) for r in results[name].carried]
    assert not below(np.median(ious, axis=0), FRAMES[name])


@pytest.mark.parametrize("name", TRACKS)
def test_tracks(results, name) -> None:
    scores = results[name].tracking
    assert not below((scores.seg, scores.det, scores.tra), TRACKS[name])
