"""Opening OME-Zarr of all versions, plain zarr, and folders that are neither."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr

from napari_sam2.errors import AxisError, StackError
from napari_sam2.stack import open_stack

if TYPE_CHECKING:
    from pathlib import Path

ARRAY = np.arange(2 * 3 * 8 * 9, dtype=np.uint16).reshape(2, 3, 8, 9)


def axis(name: str, unit: str = "") -> dict[str, str]:
    kind = {"t": "time", "c": "channel"}.get(name, "space")
    return {"name": name, "type": kind, **({"unit": unit} if unit else {})}


def scale(*steps: float) -> list[dict[str, Any]]:
    return [{"type": "scale", "scale": list(steps)}]


def write(
    path: Path, attributes: dict[str, Any], zarr_format: Any, arrays: dict[str, np.ndarray]
) -> Path:
    group = zarr.create_group(path, zarr_format=zarr_format, attributes=attributes)
    for name, array in arrays.items():
        made = group.create_array(name, shape=array.shape, chunks=array.shape, dtype=array.dtype)
        made[...] = array
    return path


def image(axes: Any, steps: list[dict[str, Any]] | None = None, path: str = "0") -> dict[str, Any]:
    level: dict[str, Any] = {"path": path}
    if steps:
        level["coordinateTransformations"] = steps
    found = {"datasets": [level, {"path": "small"}]}
    return found if axes is None else {**found, "axes": axes}


TCYX = [axis("t", "minute"), axis("c"), axis("y", "nanometer"), axis("x", "nanometer")]
ARRAYS = {"0": ARRAY, "small": ARRAY[..., ::2, ::2]}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_gives_full_resolution_axes_and_scale(tmp_path: Path, version: str) -> None:
    inner = {"multiscales": [image(TCYX, scale(2, 1, 500, 250))], "version": version}
    attributes, zarr_format = (inner, 2) if version == "0.4" else ({"ome": inner}, 3)
    path = write(tmp_path / "a.zarr", attributes, zarr_format, ARRAYS)
    stack = open_stack(path, channels=2)
    assert isinstance(stack.array, zarr.Array)
    assert (stack.axes, stack.n_frames, stack.plane_shape) == ("TCYX", 2, (8, 9))
    assert stack.scale == {"T": 120.0, "Y": 0.5, "X": 0.25}
    np.testing.assert_array_equal(stack.plane(1), ARRAY[1, 2])


def test_a_global_scale_multiplies_that_of_the_level(tmp_path: Path) -> None:
    whole = {**image(TCYX, scale(1, 1, 500, 500)), "coordinateTransformations": scale(3, 1, 2, 2)}
    path = write(tmp_path / "a.zarr", {"multiscales": [whole]}, 2, ARRAYS)
    assert open_stack(path).scale == {"T": 180.0, "Y": 1.0, "X": 1.0}


def test_a_scale_of_one_without_a_unit_is_unknown(tmp_path: Path) -> None:
    axes = [axis("t"), axis("c"), axis("y"), axis("x")]
    whole = image(axes, scale(1, 1, 0.5, 1))
    path = write(tmp_path / "a.zarr", {"multiscales": [whole]}, 2, ARRAYS)
    assert open_stack(path).scale == {"T": None, "Y": 0.5, "X": None}


def test_older_versions_have_names_of_axes_or_none(tmp_path: Path) -> None:
    path = write(tmp_path / "3.zarr", {"multiscales": [image(["z", "c", "y", "x"])]}, 2, ARRAYS)
    assert open_stack(path).axes == "ZCYX"
    five = {"0": ARRAY[:, :, np.newaxis], "small": ARRAY}
    path = write(tmp_path / "2.zarr", {"multiscales": [image(None)]}, 2, five)
    assert (open_stack(path).axes, open_stack(path).n_frames) == ("TCZYX", 2)


def test_axes_of_the_caller_take_the_place_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", {"multiscales": [image(TCYX)]}, 2, ARRAYS)
    stack = open_stack(path, "TZYX", propagation_axis="Z")
    assert (stack.axes, stack.n_frames) == ("TZYX", 3)


def test_images_of_a_converted_file_are_series(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", {"bioformats2raw.layout": 3}, 2, {})
    for index in range(2):
        one = {"0": ARRAY + index, "small": ARRAY}
        write(path / str(index), {"multiscales": [image(TCYX)]}, 2, one)
    np.testing.assert_array_equal(open_stack(path).plane(0), ARRAY[0, 0])
    np.testing.assert_array_equal(open_stack(path, series=1).plane(0), ARRAY[0, 0] + 1)
    with pytest.raises(StackError, match=r"series 2 is not in .*a\.zarr, which has 2 image"):
        open_stack(path, series=2)


def test_a_plate_asks_for_one_of_its_images(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", {"ome": {"plate": {"wells": []}}}, 3, {})
    with pytest.raises(StackError, match=r"plate or well of many images; .*a\.zarr/A/1/0"):
        open_stack(path)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_plain_arrays_are_guessed_like_any_other(tmp_path: Path, zarr_format: Any) -> None:
    zarr.create_array(tmp_path / "a", data=ARRAY[0], zarr_format=zarr_format)
    assert open_stack(tmp_path / "a").axes == "ZYX"
    zarr.create_array(tmp_path / "b", data=ARRAY, zarr_format=zarr_format)
    with pytest.raises(AxisError, match=r"b: the axes of .*\(2, 3, 8, 9\) are ambiguous"):
        open_stack(tmp_path / "b")
    assert open_stack(tmp_path / "b", "TZYX").n_frames == 2


def test_names_of_dimensions_are_axes_if_they_can_be(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "a", data=ARRAY, dimension_names=("time", "z", "y", "x"))
    assert open_stack(tmp_path / "a").axes == "TZYX"
    zarr.create_array(tmp_path / "b", data=ARRAY[0], dimension_names=("slab", "lat", "lon"))
    assert open_stack(tmp_path / "b").axes == "ZYX"
    old = zarr.create_array(tmp_path / "c", data=ARRAY, zarr_format=2)
    old.attrs["_ARRAY_DIMENSIONS"] = ["c", "t", "y", "x"]
    assert open_stack(tmp_path / "c").axes == "CTYX"


def test_a_group_with_one_array_is_that_array(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", {}, 3, {"data": ARRAY[0]})
    np.testing.assert_array_equal(open_stack(path).plane(2), ARRAY[0, 2])


def test_a_group_with_several_arrays_asks_for_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", {}, 3, {"b": ARRAY, "a": ARRAY})
    with pytest.raises(StackError, match=r"holds 2 arrays \(a, b\); open one array by its path"):
        open_stack(path)
    assert open_stack(path / "b", "TZYX").n_frames == 2


@pytest.mark.parametrize(
    ("multiscales", "message"),
    [
        ([{"axes": TCYX}], "KeyError: 'datasets'"),
        ([{"axes": TCYX, "datasets": []}], "IndexError"),
        ([image(TCYX, scale(1, 2))], "ValueError"),
        ([image([{"type": "time"}])], "KeyError: 'name'"),
        ("yes", "AttributeError"),
    ],
)
def test_metadata_that_cannot_be_understood_is_named(
    tmp_path: Path, multiscales: Any, message: str
) -> None:
    path = write(tmp_path / "a.zarr", {"multiscales": multiscales}, 2, ARRAYS)
    with pytest.raises(StackError, match=rf"a\.zarr has OME-Zarr metadata .*{message}"):
        open_stack(path)


def test_metadata_that_points_nowhere_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", {"multiscales": [image(TCYX, path="9")]}, 2, ARRAYS)
    with pytest.raises(StackError, match=r"a\.zarr is damaged or not zarr \(KeyError"):
        open_stack(path)


def test_an_axis_that_we_do_not_know_is_named(tmp_path: Path) -> None:
    axes = [axis("angle"), axis("c"), axis("y"), axis("x")]
    path = write(tmp_path / "a.zarr", {"multiscales": [image(axes)]}, 2, ARRAYS)
    with pytest.raises(AxisError, match=r"a\.zarr: axis 'angle' is unknown; name the axes"):
        open_stack(path)


def test_a_folder_without_zarr(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"is a folder without zarr data .* give one of its files"):
        open_stack(tmp_path)


def test_a_folder_with_damaged_metadata(tmp_path: Path) -> None:
    (tmp_path / "zarr.json").write_text("{ not json")
    with pytest.raises(StackError, match="is damaged or not zarr"):
        open_stack(tmp_path)


def test_a_damaged_chunk_says_which_frame(tmp_path: Path) -> None:
    made = zarr.create_array(tmp_path / "a", shape=(3, 8, 9), chunks=(1, 8, 9), dtype="u2")
    made[...] = ARRAY[0]
    chunk = tmp_path / "a" / "c" / "1" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:10])
    stack = open_stack(tmp_path / "a")
    np.testing.assert_array_equal(stack.plane(2), ARRAY[0, 2])
    with pytest.raises(StackError, match=r"frame 1 of .*a cannot be read"):
        stack.plane(1)


def test_the_metadata_of_a_foreign_writer_is_read(tmp_path: Path) -> None:
    """Zarr 2 written by hand, as the specification has it: no library of ours took part."""
    group = tmp_path / "a.zarr"
    (group / "0" / "1").mkdir(parents=True)
    (group / ".zgroup").write_text('{"zarr_format": 2}')
    axes = [axis("z", "micrometer"), axis("y", "micrometer"), axis("x", "micrometer")]
    multiscale = {"version": "0.4", **image(axes, scale(2, 0.5, 0.25))}
    (group / ".zattrs").write_text(json.dumps({"multiscales": [multiscale]}))
    (group / "0" / ".zarray").write_text(
        json.dumps({
            "zarr_format": 2, "shape": [2, 3, 4], "chunks": [1, 3, 4], "dtype": ">u2",
            "order": "C", "fill_value": 7, "filters": None, "compressor": None,
            "dimension_separator": "/",
        })
    )  # fmt: skip
    (group / "0" / "1" / "0").mkdir()
    (group / "0" / "1" / "0" / "0").write_bytes(np.arange(12, dtype=">u2").tobytes())
    stack = open_stack(group)
    assert stack.scale == {"Z": 2.0, "Y": 0.5, "X": 0.25}
    np.testing.assert_array_equal(stack.plane(0), np.full((3, 4), 7))
    np.testing.assert_array_equal(stack.plane(1), np.arange(12).reshape(3, 4))
