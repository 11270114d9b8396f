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
    "embryo": (0.82, 0.82, 0.82),
    "mitocheck": (0.77, 0.87, 0.79),
    "migration": (0.80, 0.81, 0.82),
    "c2c12": (0.69, 0.75, 0.72),
    "t98g-18": (0.41, 0.62, 0.55),
    "t98g-26": (0.59, 0.60, 0.55),
    "fluo256": (0.70, 0.77, 0.72),
    "fluo520": (0.86, 0.89, 0.85),
    "brightfield": (0.58, 0.73, 0.67),
    "histology": (0.64, 0.78, 0.76),
    "ovule": (0.71, 0.73, 0.74),
    "fib25": (0.25, 0.38, 0.15),
}
# median IoU of all voxels: after one click, after one correction
FRAMES = {
    "embryo": (0.29, 0.54),
    "mitocheck": (0.74, 0.78),
    "migration": (0.42, 0.55),
    "ovule": (0.51, 0.63),
    "fib25": (0.13, 0.13),
}
# SEG, DET and TRA after one click
TRACKS = {"mitocheck": (0.74, 0.90, 0.90), "migration": (0.37, 0.57, 0.56)}

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
