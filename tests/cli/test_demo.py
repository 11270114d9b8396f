from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from skimage.io import imread
from typer.testing import Result

from napari_sam2 import open_stack
from napari_sam2.cli.clicks import iou_3d
from napari_sam2.cli.showing import Scene, draw_scene, open_scene
from napari_sam2.errors import PromptError, StackError
from napari_sam2.model.hub import find_weights
from napari_sam2.stack import save_labels
from napari_sam2.synthetic import draw_stack

if TYPE_CHECKING:
    from pathlib import Path

Call = Callable[..., Result]


def read(path: Path) -> np.ndarray:
    stack = open_stack(path)
    return np.stack([stack.plane(frame) for frame in range(stack.n_frames)])


def test_a_drawn_stack(
    call: Call, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_sam2.cli.showing.SHAPE", (5, 64, 64))
    monkeypatch.chdir(tmp_path)
    result = call(
        "demo", "--checkpoint", weights, "--objects", "3", "--seed", "4", "--window", "48"
    )
    assert result.exit_code == 0, result.stderr
    folder = tmp_path / "napari-sam2-demo"
    assert {p.name for p in folder.iterdir()} == {
        *("image.tif", "labels.tif", "truth.tif", "overlay.png")
    }
    movie = draw_stack(4, (5, 64, 64))
    labels, truth = read(folder / "labels.tif"), read(folder / "truth.tif")
    np.testing.assert_array_equal(read(folder / "image.tif"), movie.image)
    ids = [i for i in np.unique(truth).tolist() if i]
    assert len(ids) == 3
    np.testing.assert_array_equal(truth, np.where(np.isin(movie.labels, ids), movie.labels, 0))
    assert set(np.unique(labels)) <= {0, *ids}
    assert labels.any()
    assert imread(folder / "overlay.png").shape[2] == 3
    ious = iou_3d(labels, truth, ids)
    told = re.findall(r"■ (\d+) .* ([\d.]+) │$", result.stdout, re.MULTILINE)
    assert told == [(str(i), f"{ious[i]:.2f}") for i in ids]
    assert f"median IoU in 3-D: {np.median(list(ious.values())):.2f}" in result.stdout
    assert re.search(r"[\d.]+ s: [\d.]+ s per frame, for 3 objects at once", result.stdout)
    assert "model nano (small: to try, test and teach), device cpu" in result.stdout
    assert "results: napari-sam2-demo" in result.stdout


def test_a_file_with_its_truth(call: Call, weights: Path, tmp_path: Path) -> None:
    movie = draw_stack(1, (4, 64, 64))
    save_labels(tmp_path / "image.tif", movie.image, "ZYX")
    save_labels(tmp_path / "truth.tif", movie.labels, "ZYX")
    result = call(
        *("demo", tmp_path / "image.tif", "--truth", tmp_path / "truth.tif", "--objects", 2),
        *("--out", tmp_path / "deep" / "er", "--checkpoint", weights),
    )
    assert result.exit_code == 0, result.stderr
    assert "IoU in 3-D" in result.stdout
    assert {p.name for p in (tmp_path / "deep" / "er").iterdir()} == {"labels.tif", "overlay.png"}


def test_a_file_alone(call: Call, weights: Path, tmp_path: Path) -> None:
    movie = draw_stack(1, (3, 96, 96))
    save_labels(tmp_path / "image.tif", movie.image, "TYX")
    result = call(
        "demo", tmp_path / "image.tif", "--out", tmp_path / "out", "--checkpoint", weights
    )
    assert result.exit_code == 0, result.stderr
    assert "estimated IoU" in result.stdout
    assert "IoU in 3-D" not in result.stdout
    assert open_stack(tmp_path / "out" / "labels.tif").axes == "TYX"


def test_clicks_on_a_drawn_stack_lie_in_their_objects() -> None:
    scene: Scene = draw_scene(1, 40)
    assert scene.truth is not None
    assert len(scene.clicks) > 20
    for click in scene.clicks:
        y, x = (int(v) for v in click.point.yx)
        assert scene.truth[click.point.frame, y, x] == click.object_id
    assert 60 < scene.window < 200


def test_clicks_on_a_file_alone_lie_on_nuclei(tmp_path: Path) -> None:
    movie = draw_stack(1, (5, 128, 128))
    save_labels(tmp_path / "image.tif", movie.image, "ZYX")
    scene = open_scene(tmp_path / "image.tif", None, 6)
    found = {movie.labels[2, int(c.point.yx[0]), int(c.point.yx[1])] for c in scene.clicks}
    assert [c.point.frame for c in scene.clicks] == [2] * 6
    assert 0 not in found
    assert len(found) >= 5


def test_mistakes(tmp_path: Path) -> None:
    image, other = tmp_path / "image.tif", tmp_path / "other.tif"
    save_labels(image, np.zeros((3, 20, 30), np.uint16), "ZYX")
    save_labels(other, np.ones((3, 20, 31), np.uint16), "ZYX")
    with pytest.raises(StackError, match=r"has shape \(3, 20, 31\), the image \(3, 20, 30\)"):
        open_scene(image, other, 5)
    with pytest.raises(PromptError, match=r"nothing to click on was found in .*image\.tif"):
        open_scene(image, None, 5)
    with pytest.raises(PromptError, match="nothing to click on"):
        open_scene(image, image, 5)


def test_truth_is_labels(tmp_path: Path) -> None:
    import zarr

    save_labels(tmp_path / "image.tif", np.zeros((3, 20, 30), np.uint16), "ZYX")
    zarr.save_array(tmp_path / "truth.zarr", np.zeros((3, 20, 30), np.float32))
    with pytest.raises(StackError, match="holds float32 numbers, labels are whole ones from 0"):
        open_scene(tmp_path / "image.tif", tmp_path / "truth.zarr", 5)


def test_results_need_a_folder(call: Call, weights: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = call("demo", "--checkpoint", weights, "--out", tmp_path / "file")
    assert result.exit_code == 2
    assert "cannot be made" in result.stderr


@pytest.mark.slow
def test_the_bundled_model_finds_the_nuclei(call: Call, tmp_path: Path) -> None:
    if find_weights("nano") is None:
        pytest.skip("the bundled model is not in this checkout yet")
    result = call("demo", "--out", tmp_path)
    assert result.exit_code == 0, result.stderr
    median = re.search(r"median IoU in 3-D: ([\d.]+)", result.stdout)
    assert median
    assert float(median[1]) >= 0.5
