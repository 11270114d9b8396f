from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import zarr
from skimage.io import imread, imsave
from typer.testing import Result

from napari_sam2 import Box, MaskPrompt, Point, Session, load_model, open_stack
from napari_sam2.cli.choosing import memory_errors
from napari_sam2.errors import DeviceError
from napari_sam2.stack import save_labels

if TYPE_CHECKING:
    from pathlib import Path

Call = Callable[..., Result]
N, SIDE = 8, 64


def labels_of(path: Path) -> np.ndarray:
    stack = open_stack(path)
    return np.stack([stack.plane(frame) for frame in range(stack.n_frames)])


def test_labels_are_those_of_a_session(
    call: Call, segment_arguments: list[object], stack_file: Path, weights: Path, tmp_path: Path
) -> None:
    result = call(*segment_arguments, "--overlay", tmp_path / "overlay.png")
    assert result.exit_code == 0, result.stderr
    session = Session(open_stack(stack_file), load_model(checkpoint=weights, device="cpu"))
    session.add_prompt(1, Point(3, (30, 30)))
    session.add_prompt(2, Box(4, (5, 40), (20, 60)), Point(4, (40, 10), positive=False))
    list(session.propagate())
    saved = labels_of(tmp_path / "labels.tif")
    assert saved.dtype == np.uint16
    assert set(np.unique(saved)) == {0, 1, 2}
    np.testing.assert_array_equal(saved, session.labels)
    overlay = imread(tmp_path / "overlay.png")
    assert overlay.ndim == 3 and overlay.shape[2] == 3
    assert overlay.std() > 10


@pytest.mark.parametrize("fit", [0, 3])
def test_islands_are_left_out_unless_asked_for(
    call: Call,
    segment_arguments: list[object],
    stack_file: Path,
    weights: Path,
    tmp_path: Path,
    fit: float,
) -> None:
    arguments = [a for a in segment_arguments if a != "--islands"]
    result = call(*arguments, "--window", 48, "--fit", fit, "--no-stop-rule")
    assert result.exit_code == 0, result.stderr
    session = Session(
        open_stack(stack_file),
        load_model(checkpoint=weights, device="cpu"),
        window_side=48,
        window_diameters=fit,
        drops_islands=True,
        stop_rule=None,
    )
    session.add_prompt(1, Point(3, (30, 30)))
    session.add_prompt(2, Box(4, (5, 40), (20, 60)), Point(4, (40, 10), positive=False))
    list(session.propagate())
    np.testing.assert_array_equal(labels_of(tmp_path / "labels.tif"), session.labels)


def test_what_is_printed(call: Call, segment_arguments: list[object], tmp_path: Path) -> None:
    result = call(*segment_arguments)
    assert f"labels: {tmp_path / 'labels.tif'}" in result.stdout.replace("\n", "")
    assert "0 to 7" in result.stdout
    assert "model nano (small: to try, test and teach), device cpu" in result.stderr
    assert "precision float32; 8 frame(s) of (64, 64)" in result.stderr


def test_scale_is_kept(call: Call, segment_arguments: list[object], tmp_path: Path) -> None:
    call(*segment_arguments)
    stack = open_stack(tmp_path / "labels.tif")
    assert stack.axes == "ZYX"
    assert stack.scale == pytest.approx({"Z": 2.0, "Y": 0.5, "X": 0.5})


def test_ome_zarr_in_and_out(
    call: Call,
    segment_arguments: list[object],
    stack_file: Path,
    stack_image: np.ndarray,
    tmp_path: Path,
) -> None:
    call(*segment_arguments)
    save_labels(tmp_path / "nuclei.zarr", stack_image, "ZYX", {"Z": 2.0, "Y": 0.5, "X": 0.5})
    arguments = [tmp_path / "nuclei.zarr" if a == stack_file else a for a in segment_arguments]
    result = call(
        *arguments, "--out", tmp_path / "labels.zarr", "--session", tmp_path / "zarr.sam2session"
    )
    assert result.exit_code == 0, result.stderr
    attributes = zarr.open_group(tmp_path / "labels.zarr", mode="r").attrs
    assert "image-label" in attributes
    assert [axis["name"] for axis in attributes["multiscales"][0]["axes"]] == ["z", "y", "x"]
    np.testing.assert_array_equal(
        labels_of(tmp_path / "labels.zarr"), labels_of(tmp_path / "labels.tif")
    )


def test_axes_position_and_channels(
    call: Call,
    stack_image: np.ndarray,
    segment_arguments: list[object],
    stack_file: Path,
    tmp_path: Path,
) -> None:
    array = np.zeros((2, N, 2, SIDE, SIDE), np.uint16)  # (t, z, channel, y, x)
    array[1, :, 1] = stack_image
    zarr.save_array(tmp_path / "five.zarr", array)
    call(*segment_arguments)
    arguments = [tmp_path / "five.zarr" if a == stack_file else a for a in segment_arguments]
    result = call(
        *arguments,
        *("--out", tmp_path / "five.tif", "--axes", "TZCYX", "--propagate-along", "Z"),
        *("--position", "T=1", "--channels", "1"),
    )
    assert result.exit_code == 0, result.stderr
    np.testing.assert_array_equal(
        labels_of(tmp_path / "five.tif"), labels_of(tmp_path / "labels.tif")
    )


def test_frames_direction_and_window(
    call: Call, segment_arguments: list[object], tmp_path: Path
) -> None:
    result = call(*segment_arguments, "--frames", "2:7", "--direction", "forward", "--window", "32")
    assert result.exit_code == 0, result.stderr
    labels = labels_of(tmp_path / "labels.tif")
    with_1, with_2 = ((labels == i).any(axis=(1, 2)).nonzero()[0].tolist() for i in (1, 2))
    assert with_1 == [3, 4, 5, 6]
    assert with_2 == [4, 5, 6]
    assert np.ptp((labels[3] == 1).any(axis=0).nonzero()[0]) < 32


def test_intensity_reaches_the_session(
    call: Call, segment_arguments: list[object], tmp_path: Path
) -> None:
    result = call(*segment_arguments, "--intensity", "none")
    assert result.exit_code == 2
    assert "which only uint8 (0 to 255) allows, not uint16" in result.stderr
    assert call(*segment_arguments, "--intensity", "50000,60000").exit_code == 0
    dark = labels_of(tmp_path / "labels.tif")
    assert call(*segment_arguments, "--restart").exit_code == 0
    assert (dark != labels_of(tmp_path / "labels.tif")).any()


def test_single_colour_picture(
    call: Call, segment_arguments: list[object], stack_file: Path, tmp_path: Path
) -> None:
    generator = np.random.default_rng(0)
    imsave(tmp_path / "tissue.png", generator.integers(0, 255, (48, 56, 3), np.uint8))
    (tmp_path / "prompts.csv").write_text("object_id,frame,y,x\n70000,0,20,30\n")
    arguments = [tmp_path / "tissue.png" if a == stack_file else a for a in segment_arguments]
    result = call(*arguments, "--intensity", "none")
    assert result.exit_code == 0, result.stderr
    labels = imread(tmp_path / "labels.tif")
    assert labels.shape == (48, 56)
    assert labels.dtype == np.uint32
    assert set(np.unique(labels)) == {0, 70000}


def test_prompts_of_a_saved_session(
    call: Call,
    segment_arguments: list[object],
    stack_file: Path,
    prompts_file: Path,
    weights: Path,
    tmp_path: Path,
) -> None:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[10:30, 20:40] = True
    session = Session(open_stack(stack_file), load_model(checkpoint=weights, device="cpu"))
    session.add_prompt(5, MaskPrompt(2, mask))
    session.save(tmp_path / "by_hand")
    arguments = [tmp_path / "by_hand" if a == prompts_file else a for a in segment_arguments]
    result = call(*arguments, "--no-stop-rule")
    assert result.exit_code == 0, result.stderr
    labels = labels_of(tmp_path / "labels.tif")
    np.testing.assert_array_equal(labels[2] == 5, mask)
    assert (labels == 5).any(axis=(1, 2)).all()
    again = call(*arguments, "--no-stop-rule")
    assert "8 of 8 masks done." in again.stderr  # an equal mask is not a new prompt


def test_a_negative_point_alone_corrects_what_was_tracked(
    call: Call, segment_arguments: list[object], stack_file: Path, weights: Path, tmp_path: Path
) -> None:
    (tmp_path / "prompts.csv").write_text(
        "object_id,frame,y,x,positive\n1,5,50,50,no\n1,1,30,30,yes\n"
    )
    result = call(*segment_arguments)
    assert result.exit_code == 0, result.stderr
    session = Session(open_stack(stack_file), load_model(checkpoint=weights, device="cpu"))
    session.add_prompt(1, Point(1, (30, 30)))
    list(session.propagate())
    session.add_prompt(1, Point(5, (50, 50), positive=False))
    list(session.propagate())
    np.testing.assert_array_equal(labels_of(tmp_path / "labels.tif"), session.labels)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--out": "labels.png"}, "has none of the endings .tif, .tiff, .zarr"),
        ({"--out": "nowhere/labels.tif"}, "lies in a folder that does not exist; make"),
        ({"--out": "nuclei.tif"}, "is the same as STACK, which would be lost"),
        ({"--out": "full.zarr"}, "is a folder that does not hold labels"),
        ({"--overlay": "overlay.jpg"}, "has none of the endings .png"),
        ({"--session": "full.zarr"}, "exists and is not a saved session"),
        ({"--model": "sam2.1_hiera_large"}, "not on this machine; fetch its 898 MB with"),
        ({"--model": "sam3"}, "there is no model 'sam3'"),
        ({"--model": "sam2.1_hiera_tiny", "--checkpoint": "W"}, "not sam2.1_hiera_tiny"),
        ({"--checkpoint": "nowhere.pt"}, "nowhere.pt"),
        ({"--device": "quantum"}, "device 'quantum' is not on this machine"),
        ({"--precision": "float16"}, "precision 'float16' is not offered"),
        ({"--frames": "7:12"}, "outside the stack of 8 frames"),
        ({"--position": "T=1"}, "position 'T': 1 cannot be set in axes 'ZYX'"),
        ({"--axes": "TCZYX"}, "name 5 axes, but the array has 3"),
        ({"--intensity": "9,3"}, "low must be smaller than high"),
        ({"--direction": "up"}, "Invalid value for '--direction'"),
    ],
)
def test_mistakes_cost_no_work_and_write_nothing(
    call: Call,
    segment_arguments: list[object],
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str],
    message: str,
) -> None:
    monkeypatch.setenv("NAPARI_SAM2_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "full.zarr").mkdir()
    (tmp_path / "full.zarr" / "mine.txt").write_text("mine")
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    arguments = list(segment_arguments)
    if "--model" in changes and "--checkpoint" not in changes:
        at = arguments.index("--checkpoint")
        del arguments[at : at + 2]
    plain = ("--model", "--device", "--precision", "--frames", "--position", "--axes")
    for option, value in changes.items():
        is_text = option in (*plain, "--intensity", "--direction")
        arguments += [option, weights if value == "W" else value if is_text else tmp_path / value]
    result = call(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    last = result.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_labels_are_replaced_but_no_other_folder(
    call: Call, segment_arguments: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "labels.zarr"
    assert call(*segment_arguments, "--out", out).exit_code == 0
    shutil.rmtree(tmp_path / "labels.sam2session")
    assert call(*segment_arguments, "--out", out).exit_code == 0
    assert labels_of(out).max() == 2


def test_used_up_memory_of_a_device_is_an_error_with_a_remedy() -> None:
    with pytest.raises(DeviceError, match="show the model less with --window"), memory_errors():
        raise torch.OutOfMemoryError("CUDA out of memory")
