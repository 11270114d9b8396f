"""From light to picture."""

import numpy as np
import pytest

from napari_sam2.synthetic.optics import Camera, expose, stretch

GREY = np.full((64, 64), 0.5, np.float32)


@pytest.mark.parametrize("photons", [5.0, 400.0])
def test_shot_noise_has_the_variance_of_its_light(photons):
    seen = expose(np.random.default_rng(0), GREY, Camera(sigma=0, photons=photons, read_noise=0))
    assert seen.mean() == pytest.approx(0.5, rel=0.05)
    assert seen.var() == pytest.approx(0.5 / photons, rel=0.1)


def test_a_coarse_camera_keeps_the_size_and_loses_detail():
    fine = np.indices((64, 64)).sum(axis=0).astype(np.float32) % 2
    camera = Camera(sigma=0, coarseness=3.0, photons=1e9, read_noise=0)
    seen = expose(np.random.default_rng(0), fine, camera)
    assert seen.shape == fine.shape
    assert seen.std() < 0.2


def test_colour_is_photographed_channel_by_channel():
    light = np.stack([GREY, 2 * GREY, 0 * GREY], axis=-1)
    seen = expose(np.random.default_rng(0), light, Camera(photons=1e6, read_noise=0))
    np.testing.assert_allclose(seen.mean(axis=(0, 1)), [0.5, 1, 0], atol=0.01)


def test_stretch_maps_percentiles_and_inverts():
    ramp = np.linspace(3, 7, 4096, dtype=np.float32).reshape(64, 64)
    image = stretch(ramp, Camera(low=0, high=100))
    assert image[0, 0] == pytest.approx(0, abs=1e-2)
    assert image[-1, -1] == pytest.approx(1, abs=1e-2)
    np.testing.assert_allclose(stretch(ramp, Camera(low=0, high=100, inverted=True)), 1 - image)


def test_stretch_of_a_constant_is_finite():
    assert np.isfinite(stretch(GREY, Camera(gamma=0.5))).all()
