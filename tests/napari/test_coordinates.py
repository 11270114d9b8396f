"""From the data of a layer to frames and back, through transforms; layers without a window."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Points

from napari_sam2._napari.coordinates import Placement, convert, index_in
from napari_sam2.errors import AxisError, PromptError
from napari_sam2.prompts import Point

ROTATION = np.array([[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]])
AFFINE = np.array([[2, 0, 0, 1], [0, 0, -1.5, 40], [0, 1, 0.5, -7], [0, 0, 0, 1]])

TRANSFORMS = {
    "none": {},
    "scale": {"scale": (2.2, 0.3, 0.3)},
    "translate": {"translate": (-5, 100.5, 3)},
    "rotate": {"rotate": ROTATION},
    "shear": {"shear": (0, 0, 0.4)},
    "affine": {"affine": AFFINE},
    "all": {
        "scale": (2.2, 0.3, 0.5),
        "translate": (1, 2, 3),
        "rotate": ROTATION,
        "shear": (0, 0, 0.2),
        "affine": AFFINE,
    },
}


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_convert_goes_through_the_world_and_back(transform) -> None:
    image = Image(np.zeros((4, 10, 12)), **transform)
    world = Points(np.empty((0, 3)))  # its data are the world
    coords = np.array([[0, 0, 0], [2, 3.25, 7.5], [3, 9, 11]], dtype=float)
    there = convert(coords, image, world)
    for row, place in zip(coords, there, strict=True):
        assert image.data_to_world(row) == pytest.approx(tuple(place))
    assert np.allclose(convert(there, world, image), coords)


def test_convert_rotation_by_hand() -> None:
    image = Image(np.zeros((10, 12)), scale=(2, 2), rotate=90, translate=(5, 0))
    world = Points(np.empty((0, 2)))
    # (y, x) -> scaled (2y, 2x) -> rotated (-2x, 2y) -> moved (5 - 2x, 2y)
    assert np.allclose(convert(np.array([[1, 3]]), image, world), [[-1, 2]])
    assert np.allclose(convert(np.array([[-1, 2]]), world, image), [[1, 3]])


def test_convert_of_nothing_keeps_its_axes() -> None:
    image, points = Image(np.zeros((4, 10, 12))), Points(np.empty((0, 3)))
    assert convert(np.empty((0, 3)), points, image).shape == (0, 3)


def test_convert_counts_a_multiscale_image_in_its_full_resolution() -> None:
    full = np.zeros((3, 64, 64))
    image = Image(
        [full, full[:, ::2, ::2], full[:, ::4, ::4]], multiscale=True, scale=(1, 0.5, 0.5)
    )
    points = Points(np.empty((0, 3)), scale=(1, 0.5, 0.5))
    assert np.allclose(convert(np.array([[1, 40, 50]]), points, image), [[1, 40, 50]])


def test_point_and_coords_are_each_others_reverse() -> None:
    placement = Placement((7, 5, 40, 48), axis=1, position=(3, 0, 0, 0), names=("t", "z", "y", "x"))
    point = placement.point((3.2, 4.4, 10.12345, 20.5), positive=False)
    assert point == Point(4, (10.123, 20.5), positive=False)
    assert placement.coords(point).tolist() == [3, 4, 10.123, 20.5]
    assert placement.point(placement.coords(point), positive=False) == point


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_point_is_the_same_after_a_way_through_the_world(transform) -> None:
    image = Image(np.zeros((4, 10, 12)), **transform)
    world = Points(np.empty((0, 3)))
    placement = Placement((4, 10, 12), axis=0, position=(0, 0, 0), names=("z", "y", "x"))
    rng = np.random.default_rng(1)
    for coords in rng.uniform((0, 0, 0), (3, 9, 11), (50, 3)):
        point = placement.point(coords, positive=True)
        there = convert(placement.coords(point)[np.newaxis], image, world)
        assert placement.point(convert(there, world, image)[0], positive=True) == point


def test_index_holds_the_other_axes_where_they_are() -> None:
    array = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    along_z = Placement(array.shape, axis=1, position=(1, 0, 0, 0), names=("t", "z", "y", "x"))
    along_t = Placement(array.shape, axis=0, position=(0, 2, 0, 0), names=("t", "z", "y", "x"))
    assert np.array_equal(array[along_z.index(2, (1, 2, 3, 5))], array[1, 2, 1:3, 2:5])
    assert np.array_equal(array[along_t.index(1, (0, 0, 4, 5))], array[1, 2])
    assert (along_z.n_frames, along_t.n_frames, along_t.plane_shape) == (3, 2, (4, 5))


def test_letters_name_the_propagation_axis_z() -> None:
    placement = Placement((2, 3, 4, 5), axis=0, position=(1, 2, 0, 0), names=("t", "z", "y", "x"))
    assert placement.letters == "ZTYX"
    assert placement.stack_position == {"T": 2}


def test_single_plane_has_one_frame() -> None:
    placement = Placement((40, 48), axis=None, position=(0, 0), names=("y", "x"))
    assert (placement.n_frames, placement.letters, placement.fixed) == (1, "YX", {})
    point = placement.point((3, 4), positive=True)
    assert point == Point(0, (3, 4))
    assert placement.coords(point).tolist() == [3, 4]
    assert placement.index(0, (0, 1, 2, 3)) == (slice(0, 2), slice(1, 3))


def test_click_at_another_position_names_the_axis() -> None:
    placement = Placement((7, 5, 40, 48), axis=1, position=(3, 0, 0, 0), names=("t", "z", "y", "x"))
    with pytest.raises(AxisError, match="this click is at t = 5, but SAM 2 was started at t = 3"):
        placement.point((5, 1, 10, 10), positive=True)


def test_place_that_is_not_finite_is_refused() -> None:
    placement = Placement((5, 40, 48), axis=0, position=(0, 0, 0), names=("z", "y", "x"))
    with pytest.raises(PromptError, match=r"a point at \(1.0, nan, 3.0\) is nowhere"):
        placement.point((1, float("nan"), 3), positive=True)
    with pytest.raises(PromptError, match="must be finite"):
        placement.point((float("inf"), 2, 3), positive=True)


@pytest.mark.parametrize(
    ("shape", "axis", "message"),
    [
        ((5,), None, "1 axes cannot be segmented; it needs 2 to 6"),
        ((2,) * 7, 0, "7 axes cannot be segmented"),
        (
            (5, 40, 48),
            1,
            "frames cannot follow axis 1 of an image of shape .*; choose one of the first 1",
        ),
        ((5, 40, 48), None, "frames cannot follow axis None"),
    ],
)
def test_axes_that_cannot_be_are_refused(shape, axis, message) -> None:
    with pytest.raises(AxisError, match=message):
        Placement(shape, axis, (0,) * len(shape), ("a",) * len(shape))


def test_index_in_is_the_nearest_pixel() -> None:
    image = Image(np.zeros((4, 10, 12)), scale=(2, 0.5, 0.5), translate=(1, 0, 0))
    assert index_in(image, (5.2, 2, 3), (4, 10, 12)) == (2, 4, 6)
    assert index_in(image, (0, -7, 100), (4, 10, 12)) == (0, 0, 11)
