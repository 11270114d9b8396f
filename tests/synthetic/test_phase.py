"""Phase contrast: where the light of a cell lies relative to its outline."""

import numpy as np
import pytest

from napari_sam2.synthetic.fields import draw_tile
from napari_sam2.synthetic.phase import add_ghost, draw_population
from napari_sam2.synthetic.phase_bodies import ball, flat_body, ringed_body, spread_body
from napari_sam2.synthetic.shapes import Outline, rasterise

TILE = draw_tile(np.random.default_rng(0), 0, 1, 2.0)


def mean_thickness(draw_body, radius, count=30):
    """Mean thickness by whole pixels of depth: 0 is the first pixel inside; and the patch's depth."""
    disc = Outline((80.0, 80.0), (radius, radius), 0.0, np.ones(256, np.float32))
    patch = rasterise(disc, (160, 160), margin=10)
    bodies = [
        draw_body(np.random.default_rng(s), np.random.default_rng(s + 99), patch, disc, TILE)
        for s in range(count)
    ]
    mean = np.mean(bodies, axis=0)
    return {
        d: mean[(patch.depth >= d) & (patch.depth < d + 1)].mean() for d in range(-8, int(radius))
    }


def test_a_flat_cell_has_a_bright_border_and_the_grey_of_the_ground():
    thickness = mean_thickness(flat_body, 35.0)
    brightest = min(thickness, key=thickness.get)
    assert -3 <= brightest <= 0
    assert thickness[brightest] < -0.1
    assert abs(thickness[-8]) < 0.03
    assert abs(np.mean([thickness[d] for d in range(8, 15)])) < 0.2


@pytest.mark.parametrize("radius", [5.0, 12.0])
def test_a_small_cell_is_a_bright_ring_inside_its_border(radius):
    thickness = mean_thickness(ringed_body, radius)
    brightest = min(thickness, key=thickness.get)
    assert 0 <= brightest <= 0.6 * radius
    assert thickness[brightest] < 2 * thickness[-1] < 0
    assert thickness[max(thickness)] > thickness[brightest] + 0.2


@pytest.mark.parametrize("draw_body", [spread_body, flat_body, ringed_body, ball])
@pytest.mark.parametrize("radius", [1.0, 4.0, 40.0])
def test_bodies_of_every_size_are_finite(draw_body, radius):
    outline = Outline((50.0, 50.0), (radius, radius), 0.3, np.ones(256, np.float32))
    patch = rasterise(outline, (100, 100))
    for seed in range(5):
        shared = np.random.default_rng(1)
        body = draw_body(np.random.default_rng(seed), shared, patch, outline, TILE)
        assert body.shape == patch.depth.shape
        assert body.dtype == np.float32
        assert np.isfinite(body).all()


def test_populations_of_all_looks_come():
    rng = np.random.default_rng(0)
    bodies = [draw_population(rng).body for _ in range(200)]
    for body, share in ((flat_body, 0.4), (ringed_body, 0.25), (spread_body, 0.35)):
        assert bodies.count(body) / 200 == pytest.approx(share, abs=0.12)


def test_ghosts_are_faint():
    ground = np.zeros((100, 100), np.float32)
    for seed in range(10):
        add_ghost(np.random.default_rng(seed), ground, 20.0)
    assert 0 < np.abs(ground).max() < 0.5
