from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_sam2.errors import StackError
from napari_sam2.evaluation import EvaluationSet, find_sets, read_scene
from napari_sam2.stack import save_labels

if TYPE_CHECKING:
    from pathlib import Path

TRUTH = np.zeros((5, 32, 32), np.uint16)
for _frame in range(5):
    TRUTH[_frame, 4:14, 4:14] = 1
    TRUTH[_frame, 20:30, 18:28] = 2 + (_frame > 2)
    TRUTH[_frame, 0, 0] = 9  # a speck


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A z-stack and its labels."""
    return write_pair(tmp_path)


def write_pair(folder: Path, axes: str = "ZYX", ending: str = "") -> tuple[Path, Path]:
    image, labels = folder / f"image{ending}.tif", folder / f"labels{ending}.tif"
    # the first row tells planes apart
    planes = np.where(TRUTH > 0, 200, 30).astype(np.uint16)
    planes[:, 0] = np.arange(5)[:, None]
    tifffile.imwrite(image, planes, imagej=True, metadata={"axes": axes})
    tifffile.imwrite(labels, TRUTH, imagej=True, metadata={"axes": axes})
    return image, labels


def test_a_pair_is_read(pair) -> None:
    scene = read_scene(EvaluationSet("cells", *pair))
    np.testing.assert_array_equal(scene.truth, TRUTH)
    assert (scene.name, scene.follow, scene.planes) == ("cells", "z", (2,))
    assert scene.objects_on(2) == [1, 2]
    assert scene.middles() == {1: 2, 2: 1, 3: 4}
    assert scene.brightness(0).shape == (32, 32, 3)


def test_labels_may_be_ome_zarr(pair, tmp_path) -> None:
    save_labels(tmp_path / "labels.zarr", TRUTH, "ZYX")
    scene = read_scene(EvaluationSet("cells", pair[0], tmp_path / "labels.zarr"))
    np.testing.assert_array_equal(scene.truth, TRUTH)


@pytest.mark.parametrize(
    ("axes", "follow", "first"), [("ZYX", "z", 1), ("TYX", "t", 0), ("TYX", "no", 0)]
)
def test_some_frames_only(tmp_path, axes, follow, first) -> None:
    pair = write_pair(tmp_path, axes)
    given = "" if follow == axes[0].lower() else follow
    scene = read_scene(EvaluationSet("cells", *pair, follow=given, planes=(2,)), frames=3)
    assert scene.follow == follow
    np.testing.assert_array_equal(scene.truth, TRUTH[first : first + 3])
    assert [scene.stack.plane(f)[0, 0] for f in range(3)] == [first, first + 1, first + 2]
    assert scene.planes == (2 - first,)
    assert scene.stack.propagation_axis == axes[0]


def test_a_plane_that_is_cut_off_is_replaced(pair) -> None:
    assert read_scene(EvaluationSet("cells", *pair, planes=(0, 4)), frames=1).planes == (0,)


def test_divisions_and_markers(tmp_path) -> None:
    image, labels = write_pair(tmp_path, "TYX")
    (tmp_path / "tracks.txt").write_text("1 0 4 0\n2 0 2 0\n\n3 3 4 2\n")
    markers = np.where(TRUTH == 1, 1, 0).astype(np.uint16)
    tifffile.imwrite(tmp_path / "markers.tif", markers)
    chosen = EvaluationSet(
        *("cells", image, labels),
        tracks=tmp_path / "tracks.txt",
        markers=tmp_path / "markers.tif",
    )
    scene = read_scene(chosen, frames=4)
    assert scene.parents == {3: 2}
    assert [scene.life(i) for i in (1, 2, 3)] == [range(4), range(3), range(3, 4)]
    assert scene.markers is not None
    np.testing.assert_array_equal(scene.markers, markers[:4])


def test_a_coloured_plane(tmp_path) -> None:
    rng = np.random.default_rng(0)
    tifffile.imwrite(
        tmp_path / "image.tif", rng.integers(0, 255, (32, 32, 3), np.uint8), photometric="rgb"
    )
    tifffile.imwrite(tmp_path / "labels.tif", TRUTH[0])
    scene = read_scene(EvaluationSet("cells", tmp_path / "image.tif", tmp_path / "labels.tif"))
    assert scene.follow == "no"
    assert scene.stack.plane(0).shape == (32, 32, 3)
    assert len(np.unique(scene.brightness(0)[0, 0])) > 1


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (TRUTH[:4], r"shape \(4, 32, 32\), its image \(5, 32, 32\)"),
        (TRUTH.astype(np.float32), "holds float32 numbers"),
        (TRUTH.astype(np.int16) - 1, "has the label -1"),
        (TRUTH * 0, "has no object on the frames that are used"),
    ],
)
def test_labels_that_do_not_fit(pair, labels, message) -> None:
    tifffile.imwrite(pair[1], labels, photometric="minisblack", metadata={"axes": "ZYX"})
    with pytest.raises(StackError, match=message):
        read_scene(EvaluationSet("cells", *pair))


def test_a_line_that_is_no_track(pair, tmp_path) -> None:
    (tmp_path / "tracks.txt").write_text("1 0 4 0\n2 0 two 0\n")
    with pytest.raises(StackError, match=r"line 2: '2 0 two 0' is not four whole numbers"):
        read_scene(EvaluationSet("cells", *pair, tracks=tmp_path / "tracks.txt"))


def test_pairs_in_a_folder_and_its_subfolders(tmp_path) -> None:
    (tmp_path / "deep").mkdir()
    write_pair(tmp_path)
    write_pair(tmp_path / "deep", ending="_b")
    (tmp_path / "image_alone.tif").write_bytes(b"")
    (tmp_path / "deep" / "tracks.txt").write_text("1 0 4 0\n")
    found = find_sets(tmp_path)
    assert [one.name for one in found] == ["deep b", "image"]
    assert [one.tracks for one in found] == [tmp_path / "deep" / "tracks.txt", None]
    assert all(read_scene(one).truth.any() for one in found)


TABLE = """
[[set]]
name = "cells"
image = "image.tif"
labels = "labels.tif"
follow = "t"
planes = [1, 3]
smallest = 5

[[set]]
name = "elsewhere"
image = "other.tif"
labels = "labels.tif"
"""


def test_a_table_of_ones_own(pair, tmp_path) -> None:
    (tmp_path / "sets.toml").write_text(TABLE)
    (one,) = find_sets(tmp_path)
    scene = read_scene(one)
    assert (scene.name, scene.follow, scene.planes, scene.smallest) == ("cells", "t", (1, 3), 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[set]", "is no table of sets"),
        ("title = 1", "is no table of sets"),
        ("[[set]]\nname = 'a'\nimage = 'b'\ncolour = 1", r"lacks \['labels'\].*\['colour'\]"),
        (TABLE.replace('"t"', '"x"'), "follow = 'x'; use one of"),
    ],
)
def test_a_table_that_cannot_be_used(pair, tmp_path, text, message) -> None:
    (tmp_path / "sets.toml").write_text(text)
    with pytest.raises(StackError, match=message):
        find_sets(tmp_path)


def test_an_empty_folder(tmp_path) -> None:
    with pytest.raises(StackError, match=r"has no sets\.toml, none of the known sets and no pairs"):
        find_sets(tmp_path)


def test_the_known_sets_are_all_there_and_can_be_read(data_dir) -> None:
    found = {one.name: one for one in find_sets(data_dir)}
    assert len(found) == 12
    for one in found.values():
        scene = read_scene(one, frames=2)
        assert scene.objects_on(scene.planes[0])
    parents = read_scene(found["mitocheck"]).parents
    assert parents == {19: 2, 20: 2, 21: 6, 22: 6, 23: 5, 24: 5}
