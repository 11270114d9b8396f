"""Labels in files: the same again when read, complete or not at all."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_sam2.errors import AxisError, StackError
from napari_sam2.stack import Stack, open_stack, save_labels
from napari_sam2.stack.atomic import replacing

SIZES = {"T": 2, "Z": 3, "C": 4, "Y": 30, "X": 20}
NAMES = ["a.tif", "a.ome.tif", "a.TIFF", "a.zarr", "a.ome.zarr"]


def labels(axes: str, largest: int = 9, dtype: str = "uint32") -> np.ndarray:
    shape = tuple(SIZES[axis] for axis in axes)
    made = np.random.default_rng(0).integers(0, largest, shape, endpoint=True).astype(dtype)
    made.flat[0] = largest
    return made


def whole(stack: Stack) -> np.ndarray:
    return np.asarray(stack.array[...])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("largest", [9, 65535, 65536, 2**32 - 1])
@pytest.mark.parametrize("axes", ["YX", "ZYX", "TYX", "TZYX"])
def test_what_was_saved_is_read_again(tmp_path: Path, axes: str, largest: int, name: str) -> None:
    array = labels(axes, largest)
    scale = {"T": 30.0, "Z": 2.0, "Y": 0.5, "X": 0.25}
    save_labels(tmp_path / name, array, axes, scale)
    stack = open_stack(tmp_path / name)
    assert stack.axes == axes
    assert stack.dtype == (np.uint16 if largest <= 65535 else np.uint32)
    assert stack.scale == pytest.approx({axis: scale[axis] for axis in axes})
    np.testing.assert_array_equal(whole(stack), array)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif", "a.zarr"])
@pytest.mark.parametrize("axes", ["".join(axes) for axes in itertools.permutations("TZYX")])
def test_axes_in_any_order_keep_their_meaning(tmp_path: Path, axes: str, name: str) -> None:
    reference = labels("TZYX")
    save_labels(tmp_path / name, reference.transpose(["TZYX".index(a) for a in axes]), axes)
    stack = open_stack(tmp_path / name)
    assert stack.axes == "TZYX"
    np.testing.assert_array_equal(whole(stack), reference)


@pytest.mark.parametrize(("name", "order"), [("a.tif", "TZCYX"), ("a.zarr", "TCZYX")])
def test_five_axes_come_in_the_order_of_the_format(tmp_path: Path, name: str, order: str) -> None:
    reference = labels("TZCYX")
    save_labels(tmp_path / name, reference, "TZCYX")
    stack = open_stack(tmp_path / name)
    assert stack.axes == order
    expected = reference.transpose(["TZCYX".index(axis) for axis in order])
    np.testing.assert_array_equal(whole(stack), expected)


@pytest.mark.parametrize("name", ["a.tif", "a.zarr"])
def test_without_a_scale_none_is_read(tmp_path: Path, name: str) -> None:
    save_labels(tmp_path / name, labels("TYX"), "TYX")
    assert open_stack(tmp_path / name).scale == {"T": None, "Y": None, "X": None}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    known=st.dictionaries(st.sampled_from("TZYX"), st.floats(1e-3, 1e3)),
    name=st.sampled_from(["a.tif", "a.ome.tif", "a.zarr"]),
)
def test_any_part_of_a_scale_is_kept(tmp_path: Path, known: dict[str, float], name: str) -> None:
    save_labels(tmp_path / name, labels("TZYX")[..., :4, :5], "TZYX", known)
    scale = open_stack(tmp_path / name).scale
    assert {axis for axis, step in scale.items() if step is not None} == set(known)
    assert {axis: scale[axis] for axis in known} == pytest.approx(known, rel=1e-5)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", ">u2", "int32", ">i8", "uint64"])
def test_any_whole_dtype_becomes_16_bits_if_the_labels_fit(tmp_path: Path, dtype: str) -> None:
    array = labels("ZYX", 1, dtype)
    save_labels(tmp_path / "a.tif", array, "ZYX")
    stack = open_stack(tmp_path / "a.tif")
    assert stack.dtype == np.uint16
    np.testing.assert_array_equal(whole(stack), array)


def test_labels_of_one_frame(tmp_path: Path) -> None:
    for name in ("a.tif", "a.zarr"):
        save_labels(tmp_path / name, labels("YX")[np.newaxis], "ZYX")
        np.testing.assert_array_equal(open_stack(tmp_path / name).plane(0), labels("YX"))


@pytest.mark.parametrize(("axes", "written"), [("IYX", "ZYX"), ("QYX", "ZYX"), ("IZYX", "TZYX")])
def test_an_unknown_axis_gets_a_name(tmp_path: Path, axes: str, written: str) -> None:
    for name in ("a.tif", "a.zarr"):
        array = labels(written)
        save_labels(tmp_path / name, array, axes, {axes[0]: 3.0, "Y": 1.0, "X": 1.0})
        stack = open_stack(tmp_path / name)
        assert (stack.axes, stack.scale[written[0]]) == (written, 3.0)
        np.testing.assert_array_equal(whole(stack), array)


@pytest.mark.parametrize("axes", ["YXS", "IQTYX"])
def test_axes_without_a_place_are_refused(tmp_path: Path, axes: str) -> None:
    with pytest.raises(AxisError, match="cannot be saved because of axis"):
        save_labels(tmp_path / "a.tif", np.zeros((4,) * len(axes), np.uint8), axes)
    with pytest.raises(AxisError, match="name 2 axes, but the array has 3"):
        save_labels(tmp_path / "a.tif", labels("ZYX"), "YX")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 4, 5), np.float32), r"dtype float32 are not whole numbers; .* astype"),
        (np.full((3, 4, 5), -1), "reach from -1 to -1 in plane .*; they must lie between 0"),
        (np.full((3, 4, 5), 2**32), "reach from 4294967296 to .* relabel"),
        ([[1, 2], [3, 4]], "list is no array of labels"),
        (np.zeros((0, 4, 5), int), "holds no plane"),
    ],
)
def test_what_is_no_labels_is_refused(tmp_path: Path, array: Any, message: str) -> None:
    with pytest.raises(StackError, match=message):
        save_labels(tmp_path / "a.tif", array, "ZYX")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["a.tif", "a.zarr"])
def test_labels_are_read_one_plane_at_a_time(tmp_path: Path, name: str) -> None:
    sizes = []

    class Planes:
        shape = (6, 30, 20)
        dtype = np.dtype(np.uint32)

        def __getitem__(self, index: Any) -> np.ndarray:
            plane = np.full(self.shape, index[0], self.dtype)[index]
            sizes.append(plane.shape)
            return plane

    save_labels(tmp_path / name, Planes(), "TYX")
    assert set(sizes) == {(30, 20)}
    stack = open_stack(tmp_path / name)
    assert [int(stack.plane(frame)[3, 3]) for frame in range(6)] == list(range(6))


def test_dask_and_zarr_labels_are_saved(tmp_path: Path) -> None:
    array = labels("TYX")
    save_labels(tmp_path / "a.tif", dask.array.from_array(array, chunks=(1, 30, 20)), "TYX")
    save_labels(tmp_path / "b.zarr", open_stack(tmp_path / "a.tif").array, "TYX")
    np.testing.assert_array_equal(whole(open_stack(tmp_path / "b.zarr")), array)


def test_small_labels_are_for_imagej_and_large_ones_for_ome(tmp_path: Path) -> None:
    for largest, name in ((9, "a.tif"), (70_000, "b.tif"), (9, "c.ome.tif")):
        save_labels(tmp_path / name, labels("TYX", largest), "TYX")
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.is_imagej
        assert tif.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE
    for name in ("b.tif", "c.ome.tif"):
        with tifffile.TiffFile(tmp_path / name) as tif:
            assert tif.is_ome
            assert tif.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE


def test_ome_zarr_is_as_the_specification_has_it(tmp_path: Path) -> None:
    save_labels(tmp_path / "cells.ome.zarr", labels("TZYX"), "TZYX", {"Z": 2.0, "Y": 0.5, "X": 0.5})
    folder = tmp_path / "cells.ome.zarr"
    assert json.loads((folder / ".zgroup").read_text()) == {"zarr_format": 2}
    assert json.loads((folder / ".zattrs").read_text()) == {
        "multiscales": [
            {
                "version": "0.4",
                "name": "cells",
                "axes": [
                    {"name": "t", "type": "time"},
                    {"name": "z", "type": "space", "unit": "micrometer"},
                    {"name": "y", "type": "space", "unit": "micrometer"},
                    {"name": "x", "type": "space", "unit": "micrometer"},
                ],
                "datasets": [
                    {
                        "path": "0",
                        "coordinateTransformations": [
                            {"type": "scale", "scale": [1.0, 2.0, 0.5, 0.5]}
                        ],
                    }
                ],
            }
        ],
        "image-label": {"version": "0.4"},
    }
    array = json.loads((folder / "0" / ".zarray").read_text())
    assert array["chunks"] == [1, 1, 30, 20]
    assert array["dimension_separator"] == "/"
    assert array["compressor"]["id"] == "gzip"
    assert (folder / "0" / "1" / "2" / "0" / "0").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_labels_replace_older_labels(tmp_path: Path, name: str) -> None:
    save_labels(tmp_path / name, labels("TYX"), "TYX")
    save_labels(tmp_path / name, labels("ZYX", 5), "ZYX")
    assert open_stack(tmp_path / name).axes == "ZYX"
    np.testing.assert_array_equal(whole(open_stack(tmp_path / name)), labels("ZYX", 5))
    assert os.listdir(tmp_path) == [name]


class Failing:
    """Labels that cannot be read after some planes."""

    shape = (6, 30, 20)
    dtype = np.dtype(np.uint16)

    def __getitem__(self, index: Any) -> np.ndarray:
        if index[0] == 4:
            raise KeyboardInterrupt
        return np.ones((30, 20), np.uint16)


@pytest.mark.parametrize("name", ["a.tif", "a.zarr"])
@pytest.mark.parametrize("existed", [True, False])
def test_an_interrupted_save_leaves_what_was_there(
    tmp_path: Path, existed: bool, name: str
) -> None:
    if existed:
        save_labels(tmp_path / name, labels("TYX"), "TYX")
    with pytest.raises(KeyboardInterrupt):
        save_labels(tmp_path / name, Failing(), "TYX")
    assert os.listdir(tmp_path) == ([name] if existed else [])
    if existed:
        np.testing.assert_array_equal(whole(open_stack(tmp_path / name)), labels("TYX"))


def test_an_old_folder_comes_back_if_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.mkdir()
    (path / "old").touch()
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise OSError("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="no"), replacing(path) as new:
        new.mkdir()
    assert os.listdir(tmp_path) == ["a"]
    assert os.listdir(path) == ["old"]


def test_a_full_disk_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any, **keywords: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", full)
    with pytest.raises(StackError, match=r"a\.tif could not be written .*No space.*free some"):
        save_labels(tmp_path / "a.tif", labels("TYX"), "TYX")


@pytest.mark.parametrize("name", ["a", "a.png", "a.npy"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StackError, match=r"cannot be saved as .*; end it in \.tif or \.zarr"):
        save_labels(tmp_path / name, labels("TYX"), "TYX")


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="none is not a folder; make it first"):
        save_labels(tmp_path / "none" / "a.tif", labels("TYX"), "TYX")


def test_a_folder_that_holds_no_labels_is_never_replaced(tmp_path: Path) -> None:
    for path in (tmp_path / "a.zarr", tmp_path / "a.tif"):
        path.mkdir()
        (path / "precious").write_text("data")
        with pytest.raises(StackError, match="does not hold labels, and is not replaced"):
            save_labels(path, labels("TYX"), "TYX")
        assert (path / "precious").read_text() == "data"


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_an_image_is_never_replaced_by_labels(tmp_path: Path, zarr_format: Any) -> None:
    path = tmp_path / "image.zarr"
    image = {"multiscales": [{"datasets": [{"path": "0"}]}]}
    attributes = image if zarr_format == 2 else {"ome": image}
    group = zarr.create_group(path, zarr_format=zarr_format, attributes=attributes)
    group.create_array("0", data=labels("TYX"))
    with pytest.raises(StackError, match=r"image\.zarr is a folder that does not hold labels"):
        save_labels(path, labels("TYX"), "TYX")
    np.testing.assert_array_equal(zarr.open_group(path)["0"][...], labels("TYX"))


def test_labels_of_the_newer_version_are_replaced(tmp_path: Path) -> None:
    ome = {"multiscales": [{"datasets": [{"path": "0"}]}], "image-label": {}}
    zarr.create_group(tmp_path / "a.zarr", zarr_format=3, attributes={"ome": ome})
    save_labels(tmp_path / "a.zarr", labels("TYX"), "TYX")
    assert open_stack(tmp_path / "a.zarr").axes == "TYX"


def test_a_file_is_not_replaced_by_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").write_text("data")
    with pytest.raises(StackError, match="is a file, and is not replaced by a folder"):
        save_labels(tmp_path / "a.zarr", labels("TYX"), "TYX")
    assert (tmp_path / "a.zarr").read_text() == "data"
