"""Where the outline of an object lies on its light, and in which colour."""

import numpy as np
import pytest
from scipy import ndimage

from napari_sam2.synthetic import draw_clip
from napari_sam2.synthetic.brightfield import draw_brightfield, draw_smear
from napari_sam2.synthetic.culture import FOOT, Nucleus, draw_culture, draw_screen, soften
from napari_sam2.synthetic.fields import draw_tile
from napari_sam2.synthetic.histology import draw_histology
from napari_sam2.synthetic.nuclei import shade
from napari_sam2.synthetic.shapes import Outline, rasterise
from napari_sam2.synthetic.stage import Stage
from napari_sam2.synthetic.tiling import coordinates, cut, scatter_sites
from napari_sam2.synthetic.walls import light_walls


def rim_light(culture):
    """Light on the outline of a disc, in parts of that in its middle."""
    disc = Outline((40.0, 40.0), (12.0, 12.0), 0.0, np.ones(256, np.float32))
    look = Nucleus(
        1.0, culture.edge, culture.foot, culture.dome, 0.0, 2.0, 0.0, np.empty((0, 4)), (0, 0)
    )
    patch = rasterise(disc, (80, 80), margin=10)
    light = shade(patch, disc, look, draw_tile(np.random.default_rng(0), 0, 1, 2.0))
    return light[np.abs(patch.depth) < 0.5].mean() / light.max()


def test_soft_nuclei_are_outlined_at_the_foot_and_steep_ones_half_way():
    rng = np.random.default_rng(0)
    cultures = [draw_culture(rng, 256, 24.0) for _ in range(20)]
    sharp = np.array([rim_light(c) for c in cultures if c.dome == 0])
    soft = np.array([rim_light(soften(rng, c)) for c in cultures])
    assert max(c.foot for c in cultures) == FOOT > min(c.foot for c in cultures)
    assert sharp == pytest.approx(0.42, abs=0.05)
    assert soft.min() > 0.05
    assert np.median(soft) == pytest.approx(0.16, abs=0.06)


def test_nuclei_of_a_screen_are_a_dozen_pixels_wide_and_outlined_half_way():
    rng = np.random.default_rng(0)
    cultures = [draw_screen(rng, 256) for _ in range(40)]
    assert all(9 <= c.diameter <= 16 for c in cultures)
    flat = [rim_light(c) for c in cultures if c.dome == 0]
    assert flat == pytest.approx([0.5] * len(flat), abs=0.08)


def test_cells_reach_to_the_middle_of_their_walls():
    for seed in range(8):
        rng = np.random.default_rng(seed)
        sites = scatter_sites(rng, 150, 25.0)
        tiling = cut(sites, coordinates(rng, 150))
        light = light_walls(rng, tiling, 25.0, int(sites.owner.max()) + 1)
        middle, beside = light[tiling.wall < 0.7], light[(tiling.wall > 6) & (tiling.wall < 9)]
        assert middle.mean() > beside.mean()


def test_nuclei_of_tissue_are_dark_and_purple():
    darkest = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scene = draw_histology(rng, 128, Stage(rng))
        inside = scene.labels > 0
        red, green, blue = colour = scene.light[inside].mean(axis=0)
        assert (colour < scene.light[~inside].mean(axis=0)).all()
        assert blue > max(red, green) * 0.8
        darkest.append(colour.argmin())
    # green goes first in most, red in a few: blue never does
    assert np.mean(np.array(darkest) == 1) > 0.6
    assert 2 not in darkest


def test_a_smear_has_few_nuclei_far_apart():
    for seed in range(8):
        culture = draw_smear(np.random.default_rng(seed), 256)
        assert 3 <= culture.count <= 16
        assert culture.spacing > 1
        assert culture.diameter <= 34


def test_nuclei_are_the_darkest_part_of_their_cells():
    darker = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        scene = draw_brightfield(rng, 160, Stage(rng))
        for object_id in np.unique(scene.labels)[1:]:
            inside = scene.labels == object_id
            ring = ndimage.binary_dilation(inside, iterations=6) & (scene.labels == 0)
            if ring.sum() > 20:
                darker.append(scene.light[inside].mean() < scene.light[ring].mean())
    assert np.mean(darker) > 0.9


def test_a_third_of_the_objects_of_a_clip_end_and_as_many_begin():
    end, begin = [], []
    for seed in range(40):
        labels = draw_clip(seed, n_frames=6, side=96).labels
        first, last = (
            np.bincount(labels[f].ravel(), minlength=labels.max() + 1)[1:] >= 30 for f in (0, -1)
        )
        if first.any() and last.any():
            end.append((first & ~last).sum() / first.sum())
            begin.append((last & ~first).sum() / last.sum())
    assert np.mean(end) == pytest.approx(0.33, abs=0.12)
    assert np.mean(begin) == pytest.approx(0.33, abs=0.12)
