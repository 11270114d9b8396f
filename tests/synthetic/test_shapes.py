"""Outlines on pixels."""

import numpy as np
import pytest

from napari_sam2.synthetic.shapes import Outline, armed_profile, ramp, rasterise, wavy_profile

ROUND = np.ones(256, np.float32)


def test_ellipse_has_its_area_and_its_direction():
    patch = rasterise(Outline((50.0, 60.0), (20.0, 10.0), 0.0, ROUND), (100, 120))
    assert np.count_nonzero(patch.depth > 0) == pytest.approx(np.pi * 200, rel=0.02)
    plane = np.zeros((100, 120), bool)
    plane[patch.window] = patch.depth > 0
    assert plane[50, 79]
    assert not plane[50, 82]
    assert plane[59, 60]
    assert not plane[62, 60]


def test_turned_by_a_right_angle_it_is_transposed():
    lying = rasterise(Outline((30.0, 30.0), (15.0, 6.0), 0.0, ROUND), (60, 60))
    standing = rasterise(Outline((30.0, 30.0), (15.0, 6.0), np.pi / 2, ROUND), (60, 60))
    np.testing.assert_allclose(lying.depth, standing.depth.T, atol=1e-4)


def test_depth_of_a_disc_is_the_distance_to_its_border():
    patch = rasterise(Outline((20.0, 20.0), (8.0, 8.0), 0.3, ROUND), (41, 41))
    y, x = np.mgrid[patch.window]
    np.testing.assert_allclose(patch.depth, 8 - np.hypot(y - 20, x - 20), atol=1e-4)


def test_outside_the_plane_there_is_nothing():
    assert rasterise(Outline((-40.0, 10.0), (8.0, 8.0), 0.0, ROUND), (50, 50)) is None


def test_partly_outside_it_is_cut():
    patch = rasterise(Outline((0.0, 0.0), (8.0, 8.0), 0.0, ROUND), (50, 50))
    assert patch.window[0].start == patch.window[1].start == 0
    assert np.count_nonzero(patch.depth > 0) == pytest.approx(np.pi * 64 / 4, rel=0.2)


@pytest.mark.parametrize("seed", range(5))
def test_profiles_are_smooth_and_positive(seed):
    rng = np.random.default_rng(seed)
    for profile in (wavy_profile(rng, 0.1), armed_profile(rng, 4, 0.8, 0.1)):
        assert profile.dtype == np.float32
        assert profile.min() > 0.2
        assert np.abs(np.diff(np.append(profile, profile[0]))).max() < 0.25


def test_ramp_is_one_half_on_the_outline():
    np.testing.assert_allclose(ramp(np.float32([-5, 0, 5]), 2.0), [0, 0.5, 1])
