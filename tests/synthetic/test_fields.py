"""Smooth noise, blur and textures."""

import numpy as np
import pytest

from napari_sam2.synthetic.fields import Tile, blur, draw_tile, product, resampling, smooth_noise


@pytest.mark.parametrize("shape", [(3, 5, 7), (256, 256, 256), (200, 12, 300)])
def test_product_is_the_matrix_product(shape):
    rng = np.random.default_rng(0)
    left = rng.standard_normal(shape[:2], dtype=np.float32)
    right = rng.standard_normal(shape[1:], dtype=np.float32)
    np.testing.assert_allclose(product(left, right), left @ right, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("scale", [2.0, 8.0, (3.0, 20.0)])
def test_smooth_noise_has_unit_variance_and_no_jumps(scale):
    rng = np.random.default_rng(1)
    noise = np.stack([smooth_noise(rng, (120, 90), scale) for _ in range(30)])
    assert noise.shape == (30, 120, 90)
    assert abs(noise.mean()) < 0.1
    assert noise.std() == pytest.approx(1.0, abs=0.15)
    along_y = np.abs(np.diff(noise, axis=1)).mean()
    assert along_y < 1.5 / (scale[0] if isinstance(scale, tuple) else scale)


def test_blur_keeps_a_constant_and_spreads_a_point():
    np.testing.assert_allclose(blur(np.full((30, 40), 3.0, np.float32), 5.0), 3.0, rtol=1e-5)
    point = np.zeros((41, 41), np.float32)
    point[20, 20] = 1
    spread = blur(point, 2.0)
    assert spread.sum() == pytest.approx(1.0, abs=1e-4)
    assert spread[20, 22] / spread[20, 20] == pytest.approx(np.exp(-0.5), rel=1e-3)


def test_blur_of_zero_is_the_plane_itself():
    plane = np.eye(8, dtype=np.float32)
    assert blur(plane, 0.0) is plane


@pytest.mark.parametrize(("size", "new_size"), [(100, 40), (40, 100), (7, 7)])
def test_resampling_keeps_a_ramp(size, new_size):
    ramp = (np.arange(size) + 0.5) / size
    middle = slice(new_size // 5, -(new_size // 5))
    expected = (np.arange(new_size) + 0.5) / new_size
    np.testing.assert_allclose(
        (resampling(size, new_size) @ ramp)[middle], expected[middle], atol=1e-3
    )


def test_tile_repeats():
    tile = Tile(np.arange(64, dtype=np.float32).reshape(8, 8), grain=1.0)
    y, x = np.float32([[3.0]]), np.float32([[2.0]])
    assert tile.at(y, x, 1.0, (0, 0)) == tile.at(y + 8, x - 8, 1.0, (0, 0)) == 26


def test_neighbouring_layers_of_a_tile_are_alike():
    layers = [
        draw_tile(np.random.default_rng(2), layer, 12, layer_scale=3.0).values
        for layer in range(12)
    ]

    def likeness(a, b):
        return np.corrcoef(layers[a].ravel(), layers[b].ravel())[0, 1]

    assert likeness(4, 5) > 0.8
    assert abs(likeness(0, 11)) < 0.3
