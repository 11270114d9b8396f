"""The mapping of raw values to the model's range."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from napari_sam2.errors import IntensityError
from napari_sam2.stack import IntensityMap, Stack
from napari_sam2.stack.sampling import sample_values


def stack_of(array: np.ndarray, axes: str = "ZYX", **keywords: Any) -> Stack:
    return Stack.from_array(array, axes, **keywords)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def test_none_takes_uint8_grey_exactly_as_it_is() -> None:
    plane = np.arange(256, dtype=np.uint8).reshape(16, 16)
    mapped = IntensityMap.from_stack(stack_of(plane, "YX"), None)(plane)
    expected = plane.astype(np.float32) / np.float32(255)
    assert mapped.dtype == np.float32
    for channel in range(3):
        np.testing.assert_array_equal(mapped[..., channel], expected)


def test_none_takes_uint8_colours_exactly_as_they_are() -> None:
    plane = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    mapped = IntensityMap.from_stack(stack_of(plane, "YXS"), None)(plane)
    np.testing.assert_array_equal(mapped, plane.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("dtype", ["uint16", "int8", "float32", "bool"])
def test_none_is_for_uint8_only(dtype: str) -> None:
    with pytest.raises(IntensityError, match=f"only uint8 .* not {dtype}; use intensity='auto'"):
        IntensityMap.from_stack(stack_of(np.zeros((2, 3, 4), dtype)), None)


def test_given_limits_map_to_0_and_1_and_clip() -> None:
    plane = np.array([[50, 100, 150, 200, 250]], np.uint16)
    mapped = IntensityMap.from_stack(stack_of(plane, "YX"), (100, 200))(plane)
    np.testing.assert_allclose(mapped[0, :, 0], [0, 0, 0.5, 1, 1])
    assert mapped.shape == (1, 5, 3)


def test_a_pair_may_be_given_for_each_channel() -> None:
    plane = np.full((4, 5, 2), 10, np.uint8)
    stack = stack_of(plane, "YXC", channels=(0, 1))
    mapping = IntensityMap.from_stack(stack, [(0, 10), (0, 40)])
    assert mapping == IntensityMap((0.0, 0.0), (10.0, 40.0))
    np.testing.assert_allclose(mapping(plane)[0, 0], [1, 0.25, 0.625])
    both = IntensityMap.from_stack(stack, np.array([0, 20]))
    assert both == IntensityMap((0.0, 0.0), (20.0, 20.0))


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ("Auto", "intensity 'Auto' is unknown; give 'auto', None or"),
        ((5, 5), r"\(5, 5\) is no range; low must be smaller than high"),
        ((6, 5), "low must be smaller"),
        ((0, np.inf), "both finite"),
        ((np.nan, 1), "both finite"),
        ((1, 2, 3), r"does not fit 1 channel\(s\)"),
        ([(0, 1), (0, 1)], r"does not fit 1 channel\(s\)"),
        (("a", "b"), "not made of numbers"),
        ([(0, 1), (0,)], "not made of numbers"),
        (7, r"does not fit 1 channel\(s\)"),
    ],
)
def test_limits_that_make_no_range_are_refused(limits: Any, message: str) -> None:
    with pytest.raises(IntensityError, match=message):
        IntensityMap.from_stack(stack_of(np.zeros((2, 3, 4), np.uint8)), limits)


def test_a_mapping_checks_its_own_values() -> None:
    with pytest.raises(IntensityError, match="one value for each of one to three channels"):
        IntensityMap((0.0,), (1.0, 2.0))
    with pytest.raises(IntensityError, match="one value for each of one to three channels"):
        IntensityMap((), ())
    with pytest.raises(IntensityError, match="finite numbers, the lower one first"):
        IntensityMap((2.0,), (1.0,))


def test_a_plane_of_other_channels_is_refused() -> None:
    mapping = IntensityMap((0.0,), (1.0,))
    with pytest.raises(IntensityError, match=r"shape \(4, 5, 3\) does not fit .* 1 channel"):
        mapping(np.zeros((4, 5, 3)))
    assert mapping(np.zeros((4, 5, 1))).shape == (4, 5, 3)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", ">u2", "int16", "uint32", "float32", ">f8"])
@pytest.mark.parametrize("offset", [0, 60])
def test_auto_spreads_dim_data_of_any_dtype_over_the_range(dtype: str, offset: int) -> None:
    ramp = np.linspace(0, 60, 64 * 64).reshape(1, 64, 64) + offset
    array = ramp.round().astype(dtype)
    mapped = IntensityMap.from_stack(stack_of(array))(array[0])
    assert mapped.min() == 0
    assert mapped.max() == 1
    np.testing.assert_allclose(mapped[..., 0], (ramp[0] - offset) / 60, atol=0.012)


def test_auto_on_signed_data_keeps_the_order() -> None:
    array = (noise(4, 50, 50) * 1000).astype(np.int16)
    mapped = IntensityMap.from_stack(stack_of(array))(array[2])[..., 0]
    order = np.argsort(array[2], axis=None, kind="stable")
    assert (np.diff(mapped.ravel()[order]) >= 0).all()
    assert 0.45 < np.median(mapped) < 0.55


def test_auto_saturates_about_one_value_in_a_thousand_at_each_end() -> None:
    array = noise(8, 200, 200)
    mapping = IntensityMap.from_stack(stack_of(array))
    mapped = np.stack([mapping(plane)[..., 0] for plane in array])
    assert 0.0005 < (mapped == 0).mean() < 0.0015
    assert 0.0005 < (mapped == 1).mean() < 0.0015


def test_a_few_hot_pixels_do_not_make_the_image_dark() -> None:
    array = noise(4, 200, 200) * 100 + 1000
    array[:, 7, 7] = 65535
    mapped = IntensityMap.from_stack(stack_of(array))(array[0])
    assert 0.4 < np.median(mapped) < 0.6


def test_one_small_bright_object_stands_out_of_a_flat_background() -> None:
    array = noise(16, 200, 200) + 100
    array[8, 90:110, 90:110] = 5000  # 0.06 percent of all values
    mapped = IntensityMap.from_stack(stack_of(array))(array[8])[..., 0]
    assert mapped[100, 100] == 1
    assert mapped[:80].max() < 0.05


def test_one_small_dark_object_stands_out_of_a_flat_background() -> None:
    array = noise(16, 200, 200) + 5000
    array[8, 90:110, 90:110] = 100
    mapped = IntensityMap.from_stack(stack_of(array))(array[8])[..., 0]
    assert mapped[100, 100] == 0
    assert mapped[:80].min() > 0.95


@pytest.mark.parametrize("value", [0, 7, 255])
def test_constant_data_becomes_0_without_a_warning(value: int) -> None:
    array = np.full((3, 8, 9), value, np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mapping = IntensityMap.from_stack(stack_of(array))
        assert not mapping(array[0]).any()
    assert mapping.low == mapping.high == (value,)


def test_in_a_constant_sample_whatever_is_brighter_elsewhere_is_seen() -> None:
    array = np.zeros((100, 8, 9), np.uint8)
    array[1, 4, 4] = 3  # a frame that the sample of 16 does not have
    mapped = IntensityMap.from_stack(stack_of(array))(array[1])
    assert mapped[4, 4, 0] == 1
    assert mapped.sum() == 3


def test_one_pixel_in_an_empty_stack_is_seen() -> None:
    array = np.zeros((1, 200, 200), np.float32)
    array[0, 100, 100] = 1e-20
    mapping = IntensityMap.from_stack(stack_of(array))
    assert mapping(array[0])[100, 100].tolist() == [1, 1, 1]


def test_bool_is_0_to_1() -> None:
    array = np.zeros((2, 4, 4), bool)
    array[1] = True
    mapping = IntensityMap.from_stack(stack_of(array))
    assert not mapping(array[0]).any()
    assert (mapping(array[1]) == 1).all()


def test_colours_share_one_range() -> None:
    array = np.zeros((40, 40, 3), np.uint8)
    array[..., 0] = np.arange(40) * 5
    array[..., 1] = 100
    mapping = IntensityMap.from_stack(stack_of(array, "YXS"))
    assert len(set(mapping.low)) == len(set(mapping.high)) == 1
    mapped = mapping(array)
    np.testing.assert_allclose(mapped[:, 20, 0], mapped[:, 20, 1])  # both 100
    assert not mapped[..., 2].any()


def test_other_channels_have_ranges_of_their_own() -> None:
    ramp = np.arange(1600).reshape(40, 40)
    array = np.stack([ramp, ramp * 20]).astype(np.uint16)
    stack = stack_of(array, "CYX", channels=(0, 1))
    mapped = IntensityMap.from_stack(stack)(stack.plane(0))
    np.testing.assert_allclose(mapped[..., 0], mapped[..., 1], atol=1e-3)
    np.testing.assert_allclose(mapped[..., 2], mapped[..., 0], atol=1e-3)


def test_values_that_are_not_finite_are_left_out_replaced_and_said_once() -> None:
    array = np.tile(np.linspace(10, 20, 100, dtype=np.float32), (3, 100, 1))
    array[0, 0, :3] = np.nan, -np.inf, np.inf
    with pytest.warns(UserWarning, match=r"3 of 30000 values in a sample of 3 plane") as told:
        mapping = IntensityMap.from_stack(stack_of(array))
    assert told[0].filename == __file__
    assert mapping == IntensityMap((10.0,), (20.0,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mapped = mapping(array[0])
    assert mapped[0, :3, 0].tolist() == [0, 0, 1]
    assert np.isfinite(mapped).all()


def test_values_that_are_not_finite_outside_the_sample_are_said_once_too() -> None:
    array = np.tile(np.linspace(0, 1, 64), (100, 64, 1))
    array[1, 0, 0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mapping = IntensityMap.from_stack(stack_of(array))
        mapping(array[0])
    with pytest.warns(UserWarning, match="1 of 4096 values of this plane are NaN") as told:
        mapping(array[1])
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mapping(array[1])


def test_a_sample_without_any_finite_value_is_an_error() -> None:
    array = np.full((2, 4, 4), np.nan)
    with pytest.raises(IntensityError, match=r"none of the 32 values in a sample of 2 .* finite"):
        IntensityMap.from_stack(stack_of(array))


def test_huge_numbers_do_not_overflow() -> None:
    top = np.finfo(np.float64).max
    array = np.array([[[-top, 0, top]]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mapping = IntensityMap.from_stack(stack_of(array))
        np.testing.assert_allclose(mapping(array[0])[0, :, 0], [0, 0.5, 1])


def test_large_integers_are_not_rounded() -> None:
    array = (2**31 + np.arange(100)).reshape(1, 10, 10)
    mapped = IntensityMap.from_stack(stack_of(array), (2**31, 2**31 + 99))(array[0])[..., 0]
    np.testing.assert_allclose(mapped.ravel(), np.arange(100) / 99, atol=1e-6)


@settings(max_examples=200, deadline=None)
@given(
    array=st_numpy.arrays(
        dtype=st.sampled_from(
            [np.dtype(d) for d in ("?", "u1", ">u2", "i4", "u8", "f2", "f4", ">f8")]
        ),
        shape=st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5)),
    )
)
def test_any_data_maps_to_finite_values_from_0_to_1_in_order(array: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".* NaN or infinite", category=UserWarning)
        try:
            mapping = IntensityMap.from_stack(stack_of(array))
        except IntensityError:
            assert not np.isfinite(array).any()
            return
        mapped = mapping(array[0])
    assert mapped.dtype == np.float32
    assert mapped.shape == (*array.shape[1:], 3)
    assert np.isfinite(mapped).all()
    assert mapped.min() >= 0
    assert mapped.max() <= 1
    finite = np.isfinite(array[0])
    order = np.argsort(array[0][finite], kind="stable")
    assert (np.diff(mapped[..., 0][finite][order]) >= 0).all()


def test_the_sample_is_bounded_and_spread() -> None:
    class Planes:
        shape = (1000, 900, 1100)
        dtype = np.dtype(np.uint16)

        def __init__(self) -> None:
            self.frames: list[int] = []

        def __getitem__(self, index: Any) -> np.ndarray:
            self.frames.append(index[0])
            return np.full((900, 1100), index[0], np.uint16)

    array = Planes()
    sample = sample_values(Stack.from_array(array))
    assert array.frames == list(sample.frames)
    assert len(sample.frames) == 16
    assert (sample.frames[0], sample.frames[-1]) == (0, 999)
    assert max(np.diff(sample.frames)) - min(np.diff(sample.frames)) <= 1
    assert 500_000 < sample.size < 1_100_000


def test_a_small_stack_is_sampled_whole() -> None:
    array = np.arange(2 * 30 * 40, dtype=np.uint16).reshape(2, 30, 40)
    sample = sample_values(stack_of(array))
    np.testing.assert_array_equal(sample.channels[0], array.ravel())
    assert (sample.frames, sample.size, sample.not_finite) == ((0, 1), 2400, 0)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 3000, 1000), (1, 2, 2_000_000)])
def test_a_sample_is_never_empty(shape: tuple[int, ...]) -> None:
    assert sample_values(stack_of(np.broadcast_to(np.uint8(1), shape))).channels[0].size > 0
