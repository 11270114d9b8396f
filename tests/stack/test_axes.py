"""Names of axes, given and guessed, and the choices that follow from them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sam2.errors import AxisError, StackError
from napari_sam2.stack import Stack


def zeros(*shape: int, dtype: str = "uint8") -> np.ndarray:
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("shape", "dtype", "axes"),
    [
        ((5, 6), "float32", "YX"),
        ((7, 5, 6), "uint8", "ZYX"),
        ((9, 8, 3), "uint8", "YXS"),
        ((9, 8, 4), "uint8", "YXS"),
        ((9, 8, 3), "uint16", "ZYX"),
        ((2, 4, 4), "uint8", "ZYX"),
        ((9, 8, 2), "uint8", "ZYX"),
        ((7, 5, 6, 3), "uint16", "ZYXS"),
        ((7, 5, 6, 1), "float64", "ZYXS"),
    ],
)
def test_axes_are_guessed_by_the_documented_rule(
    shape: tuple[int, ...], dtype: str, axes: str
) -> None:
    assert Stack.from_array(np.zeros(shape, dtype)).axes == axes


@pytest.mark.parametrize("shape", [(7, 2, 5, 6), (2, 3, 4, 5, 6), (7, 5, 6, 5)])
def test_ambiguous_axes_must_be_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(AxisError, match=r"ambiguous; name them with axes=.*'TZYX'"):
        Stack.from_array(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(), (5,), (0, 4, 4), (4, 0)])
def test_an_array_without_planes_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(StackError, match="holds no plane; it needs at least two axes"):
        Stack.from_array(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(
    "axes", ["tzyx", "TzYx", ["t", "z", "y", "x"], ("Time", "Depth", "Y", "x")]
)
def test_names_may_be_letters_or_words_in_any_case(axes: str | list[str]) -> None:
    assert Stack.from_array(zeros(2, 3, 4, 5), axes).axes == "TZYX"


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ("TZYX", r"'TZYX' name 4 axes, but the array has 3 \(shape \(3, 4, 5\)\)"),
        ("YX", "name 2 axes, but the array has 3"),
        ("ZZX", r"axis Z appears 2 times in axes 'ZZX' .* letter of its own"),
        ("TZX", "lack Y; a plane needs Y"),
        ("ZYC", "lack X; a plane needs Y"),
        ("AYX", "axis 'A' is unknown; name the axes with these letters: T time"),
        (["pages", "y", "x"], "axis 'pages' is unknown"),
    ],
)
def test_names_that_do_not_fit_say_why(axes: str | list[str], message: str) -> None:
    with pytest.raises(AxisError, match=message):
        Stack.from_array(zeros(3, 4, 5), axes)


@pytest.mark.parametrize(
    ("axes", "shape", "chosen", "n_frames"),
    [
        ("YX", (4, 5), None, 1),
        ("YXS", (9, 8, 3), None, 1),
        ("CYX", (2, 4, 5), None, 1),
        ("TYX", (3, 4, 5), "T", 3),
        ("TZYX", (3, 6, 4, 5), "T", 3),
        ("TZYX", (1, 6, 4, 5), "Z", 6),
        ("TZYX", (1, 1, 4, 5), "T", 1),
        ("ZTYX", (6, 3, 4, 5), "T", 3),
        ("IYX", (7, 4, 5), "I", 7),
        ("QYX", (7, 4, 5), "Q", 7),
        ("IZYX", (7, 6, 4, 5), "Z", 6),
        ("IZYX", (7, 1, 4, 5), "I", 7),
        ("TZCYX", (3, 6, 2, 4, 5), "T", 3),
    ],
)
def test_frames_follow_time_then_depth_then_the_unknown_axis(
    axes: str, shape: tuple[int, ...], chosen: str | None, n_frames: int
) -> None:
    stack = Stack.from_array(np.zeros(shape, np.uint8), axes)
    assert (stack.propagation_axis, stack.n_frames) == (chosen, n_frames)
    assert stack.plane_shape == tuple(shape[axes.index(axis)] for axis in "YX")


def test_a_propagation_axis_can_be_chosen() -> None:
    stack = Stack.from_array(zeros(3, 6, 2, 4, 5), "TZCYX", propagation_axis="z")
    assert (stack.propagation_axis, stack.n_frames, stack.position) == ("Z", 6, {"T": 0})
    stack = Stack.from_array(zeros(3, 2, 4, 5), "TCYX", propagation_axis="C")
    assert (stack.n_frames, stack.channel_axis, stack.position) == (2, None, {"T": 0})


def test_the_chosen_propagation_axis_names_the_guessed_one() -> None:
    assert Stack.from_array(zeros(6, 9, 9), propagation_axis="T").axes == "TYX"
    assert Stack.from_array(zeros(6, 9, 9, 3), propagation_axis="T").axes == "TYXS"


@pytest.mark.parametrize("wanted", ["T", "Y", "X", "S"])
def test_a_propagation_axis_that_cannot_be_is_refused(wanted: str) -> None:
    message = rf"propagation_axis '{wanted}' cannot be used in axes 'ZCYXS'.*: choose one of Z, C\."
    with pytest.raises(AxisError, match=message):
        Stack.from_array(zeros(2, 2, 9, 9, 3), "ZCYXS", propagation_axis=wanted)


def test_a_single_plane_has_no_axis_to_choose() -> None:
    with pytest.raises(AxisError, match=r"cannot be used in axes 'YX'.*: leave it out\."):
        Stack.from_array(zeros(9, 9), propagation_axis="Z")


def test_the_default_position_is_the_middle_of_z_and_the_start_of_the_others() -> None:
    assert Stack.from_array(zeros(3, 7, 4, 5), "TZYX").position == {"Z": 3}
    assert Stack.from_array(zeros(3, 7, 4, 5), "TZYX", propagation_axis="Z").position == {"T": 0}
    assert Stack.from_array(zeros(2, 7, 4, 5), "IZYX").position == {"I": 0}
    assert Stack.from_array(zeros(5, 2, 9, 8, 3), "ZCYXS").position == {"C": 0}


def test_a_position_can_be_chosen() -> None:
    stack = Stack.from_array(zeros(3, 7, 4, 5), "TZYX", position={"z": np.int64(6)})
    assert stack.position == {"Z": 6}


@pytest.mark.parametrize(
    ("position", "message"),
    [
        ({"Z": 7}, "position 7 is outside axis Z, which has 7 entries; count from 0 to 6"),
        ({"Z": -1}, "position -1 is outside axis Z"),
        ({"Z": 1.5}, "position 1.5 on axis Z is not a whole number"),
        ({"T": 0}, r"position 'T': 0 .*frames follow that axis\); set Z\."),
        ({"C": 0}, r"channels are chosen with channels=\); set Z\."),
        ({"Y": 0}, "it lies in the plane"),
        ({"S": 0}, "there is no such axis"),
        ({"W": 0}, "axis 'W' is unknown"),
    ],
)
def test_a_position_that_does_not_exist_is_refused(position: dict[str, int], message: str) -> None:
    with pytest.raises(AxisError, match=message):
        Stack.from_array(zeros(3, 7, 2, 4, 5), "TZCYX", position=position)


@pytest.mark.parametrize(
    ("axes", "shape", "axis", "channels"),
    [
        ("YX", (4, 5), None, (0,)),
        ("YXS", (9, 8, 3), "S", (0, 1, 2)),
        ("YXS", (9, 8, 4), "S", (0, 1, 2)),
        ("YXS", (9, 8, 2), "S", (0,)),
        ("YXS", (9, 8, 7), "S", (0,)),
        ("CYX", (3, 4, 5), "C", (0,)),
        ("ZCYXS", (5, 2, 9, 8, 3), "S", (0, 1, 2)),
    ],
)
def test_colours_are_shown_together_and_of_other_channels_the_first(
    axes: str, shape: tuple[int, ...], axis: str | None, channels: tuple[int, ...]
) -> None:
    stack = Stack.from_array(np.zeros(shape, np.uint8), axes)
    assert (stack.channel_axis, stack.channels) == (axis, channels)
    assert stack.n_channels == len(channels)


@pytest.mark.parametrize("given", [2, (2,), [np.int64(2)], np.array([2]), np.int64(2)])
def test_one_channel_can_be_chosen_in_many_ways(given: object) -> None:
    stack = Stack.from_array(zeros(4, 5, 6), "CYX", channels=given)
    assert stack.channels == (2,)


@pytest.mark.parametrize(
    ("axes", "channels", "message"),
    [
        ("CYX", (0, 4), "channels 4 is outside axis C, which has 4 entries; count from 0 to 3"),
        ("CYX", -1, "channels -1 is outside axis C"),
        ("CYX", (), r"channels \(\) are 0; .* give one to 3 indices"),
        ("CYX", (0, 1, 2, 3), "are 4; the model sees red, green and blue"),
        ("CYX", "01", "channels '0' on axis C is not a whole number"),
        ("ZYX", (0,), "lack a channel axis .C or S.; leave channels out"),
    ],
)
def test_channels_that_do_not_exist_are_refused(axes: str, channels: object, message: str) -> None:
    with pytest.raises(AxisError, match=message):
        Stack.from_array(zeros(4, 5, 6), axes, channels=channels)


def test_labels_have_the_axes_of_frames() -> None:
    assert Stack.from_array(zeros(3, 7, 4, 5), "TZYX").label_axes == "TYX"
    assert Stack.from_array(zeros(4, 5)).label_axes == "ZYX"


def test_scale_is_kept_for_every_axis_but_the_channels() -> None:
    scale = {"z": 2.0, "Y": 0.5, "C": 9.0}
    stack = Stack.from_array(zeros(7, 2, 4, 5), "ZCYX", scale=scale)
    assert stack.scale == {"Z": 2.0, "Y": 0.5, "X": None}
