"""Reading planes: the right one, from any array, and nothing else."""

from __future__ import annotations

import itertools
import math
from typing import Any

import dask.array
import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_sam2.errors import StackError
from napari_sam2.stack import Stack

SIZES = {"T": 2, "Z": 3, "C": 4, "Y": 5, "X": 6}


class Recorder:
    """An array that writes down what is asked of it."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype
        self.asked: list[Any] = []

    def __getitem__(self, index: Any) -> np.ndarray:
        self.asked.append(index)
        return self.array[index]


def counting(axes: str) -> np.ndarray:
    """Return an array in which every value is unique and tells its place."""
    shape = tuple(SIZES[axis] for axis in axes)
    return np.arange(math.prod(shape), dtype=np.int32).reshape(shape)


REFERENCE = counting("TZCYX")
FULL = slice(None)


@pytest.mark.parametrize("axes", ["".join(axes) for axes in itertools.permutations("TZCYX")])
def test_every_order_of_axes_gives_the_same_plane(axes: str) -> None:
    array = REFERENCE.transpose(["TZCYX".index(axis) for axis in axes])
    stack = Stack.from_array(array, axes, propagation_axis="Z", position={"T": 1}, channels=(3, 0))
    assert (stack.n_frames, stack.plane_shape, stack.n_channels) == (3, (5, 6), 2)
    for frame in range(3):
        expected = np.stack([REFERENCE[1, frame, 3], REFERENCE[1, frame, 0]], axis=-1)
        np.testing.assert_array_equal(stack.plane(frame), expected)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_axes_any_choices_give_what_indexing_gives(data: st.DataObject) -> None:
    others = data.draw(st.lists(st.sampled_from("TZC"), unique=True))
    axes = "".join(data.draw(st.permutations(["Y", "X", *others])))
    array = counting(axes)
    along = data.draw(st.sampled_from([axis for axis in others if axis != "C"] or [None]))
    fixed = {
        axis: data.draw(st.integers(0, SIZES[axis] - 1))
        for axis in others
        if axis not in ("C", along)
    }
    channels = (
        tuple(data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=3)))
        if "C" in axes
        else None
    )
    stack = Stack.from_array(array, axes, propagation_axis=along, position=fixed, channels=channels)
    frame = data.draw(st.integers(0, stack.n_frames - 1))
    place = fixed | ({along: frame} if along else {})
    # all at once, with axes in the order y, x, channel
    left = [axis for axis in axes if axis not in place]
    block = array[tuple(place.get(axis, FULL) for axis in axes)]
    expected = block.transpose([left.index(axis) for axis in "YXC" if axis in left])
    if channels:
        expected = expected[..., list(channels)]
        expected = expected[..., 0] if len(channels) == 1 else expected
    np.testing.assert_array_equal(stack.plane(frame), expected)


def test_nothing_is_read_before_a_plane_is_asked_for() -> None:
    array = Recorder(counting("TZYX"))
    stack = Stack.from_array(array, "TZYX", propagation_axis="T", position={"Z": 2})
    assert (stack.n_frames, stack.plane_shape, stack.dtype, stack.n_channels) == (
        2,
        (5, 6),
        "i4",
        1,
    )
    assert array.asked == []
    stack.plane(1)
    assert array.asked == [(1, 2, FULL, FULL)]


@pytest.mark.parametrize(
    ("axes", "channels", "asked"),
    [
        ("ZCYX", (1,), [(2, 1, FULL, FULL)]),
        ("ZCYX", (0, 3), [(2, 0, FULL, FULL), (2, 3, FULL, FULL)]),
        ("ZCYX", (2, 1), [(2, slice(1, 3), FULL, FULL)]),
        ("ZYXC", (1,), [(2, FULL, FULL, 1)]),
        ("ZYXC", (0, 2, 1), [(2, FULL, FULL, slice(0, 3))]),
        ("ZYXC", (3, 0), [(2, FULL, FULL, slice(0, 4))]),
    ],
)
def test_no_more_is_read_than_the_channels_of_one_plane(
    axes: str, channels: tuple[int, ...], asked: list[Any]
) -> None:
    array = Recorder(counting(axes))
    Stack.from_array(array, axes, channels=channels).plane(2)
    assert array.asked == asked


def test_a_dask_array_computes_one_plane() -> None:
    computed = []

    def block(block_info: Any = None) -> np.ndarray:
        computed.append(block_info[None]["chunk-location"])
        return np.full((1, 4, 5), block_info[None]["chunk-location"][0], np.uint16)

    array = dask.array.map_blocks(block, chunks=((1,) * 6, (4,), (5,)), dtype=np.uint16)
    computed.clear()
    plane = Stack.from_array(array).plane(4)
    assert computed == [(4, 0, 0)]
    assert type(plane) is np.ndarray
    np.testing.assert_array_equal(plane, np.full((4, 5), 4))


def test_a_zarr_array_reads_one_chunk(tmp_path: Any) -> None:
    array = zarr.create_array(tmp_path / "a", shape=(3, 4, 5), chunks=(1, 4, 5), dtype="i2")
    array[...] = np.arange(60).reshape(3, 4, 5)
    (tmp_path / "a" / "c" / "0" / "0" / "0").unlink()  # then its chunk reads as zeros
    stack = Stack.from_array(array)
    np.testing.assert_array_equal(stack.plane(2), np.arange(40, 60).reshape(4, 5))
    assert not stack.plane(0).any()


DTYPES = [
    "bool", "uint8", ">u2", "<u4", ">u8", "int8", ">i2", "i4", "i8", "f2", ">f4", "f8",
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_real_dtype_comes_out_native_and_equal(dtype: str) -> None:
    array = (np.arange(24).reshape(2, 3, 4) % 3).astype(dtype)
    stack = Stack.from_array(array)
    plane = stack.plane(1)
    assert plane.dtype == stack.dtype == np.dtype(dtype).newbyteorder("=")
    assert plane.dtype.isnative
    assert plane.flags.c_contiguous
    np.testing.assert_array_equal(plane, array[1])


@pytest.mark.parametrize(
    ("dtype", "remedy"),
    [
        ("complex64", r"numpy\.abs"),
        ("U3", "convert it with astype"),
        ("O", "convert it with astype"),
        ("datetime64[s]", "convert it with astype"),
        ([("r", "u1"), ("g", "u1")], "convert it with astype"),
    ],
)
def test_other_dtypes_are_refused(dtype: Any, remedy: str) -> None:
    with pytest.raises(StackError, match=f"not of real numbers.*{remedy}"):
        Stack.from_array(np.zeros((3, 4, 5), dtype))


def test_what_is_not_an_array_is_refused(tmp_path: Any) -> None:
    with pytest.raises(StackError, match=r"list is not an array .*numpy\.asarray"):
        Stack.from_array([[1, 2], [3, 4]])
    with pytest.raises(StackError, match=r"Group is not an array .* one array of a group"):
        Stack.from_array(zarr.create_group(tmp_path / "g"))


def test_an_array_of_another_library_is_refused_unless_its_dtype_is_numpys() -> None:
    array = Recorder(np.zeros((3, 4, 5)))
    array.dtype = "torch.float32"
    with pytest.raises(StackError, match=r"dtype 'torch\.float32' is not one of numpy's; convert"):
        Stack.from_array(array)


def test_a_dask_array_of_unknown_size_is_refused() -> None:
    array = dask.array.ones((6, 4, 5))
    with pytest.raises(StackError, match=r"unknown sizes.*compute_chunk_sizes\(\)"):
        Stack.from_array(array[array[:, 0, 0] > 0])


def test_a_plane_may_be_changed_without_harm_to_the_stack() -> None:
    array = counting("ZYX")
    before = array.copy()
    Stack.from_array(array).plane(1)[...] = -1
    np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("frame", [-1, 3, 10**9])
def test_a_frame_outside_the_stack_is_refused(frame: int) -> None:
    with pytest.raises(StackError, match=rf"frame {frame} is outside the stack \(0 to 2\)"):
        Stack.from_array(counting("ZYX")).plane(frame)


def test_a_frame_must_be_a_whole_number() -> None:
    with pytest.raises(StackError, match=r"frame 1\.0 is not a whole number"):
        Stack.from_array(counting("ZYX")).plane(1.0)
    assert Stack.from_array(counting("ZYX")).plane(np.uint8(1))[0, 0] == 30


def test_a_frame_that_cannot_be_read_says_which_and_why() -> None:
    class Broken(Recorder):
        def __getitem__(self, index: Any) -> np.ndarray:
            raise OSError("disk gone")

    stack = Stack.from_array(Broken(counting("ZYX")), source="far.tif")
    message = r"frame 2 of far\.tif cannot be read \(OSError: disk gone\)"
    with pytest.raises(StackError, match=message) as caught:
        stack.plane(2)
    assert isinstance(caught.value.__cause__, OSError)


def test_an_array_that_ignores_the_index_is_noticed() -> None:
    class Stubborn(Recorder):
        def __getitem__(self, index: Any) -> np.ndarray:
            return self.array

    with pytest.raises(StackError, match=r"it came with shape \(3, 5, 6\) in place of axes YX"):
        Stack.from_array(Stubborn(counting("ZYX"))).plane(0)


def test_a_stack_cannot_be_changed() -> None:
    stack = Stack.from_array(counting("ZYX"))
    with pytest.raises(AttributeError):
        stack.layout = None
