"""Electron microscopy: bodies of all sizes, dark membranes on their borders, organelles inside."""

import numpy as np
import pytest
from scipy import ndimage

from napari_sam2.synthetic.em import draw_em, grow_bundles
from napari_sam2.synthetic.organelles import add_mitochondria, add_vesicles
from napari_sam2.synthetic.stage import Stage
from napari_sam2.synthetic.tiling import cut, scatter_sites


def bundles(seed, side=200, spacing=12.0):
    sites, yx = grow_bundles(np.random.default_rng(seed), side, spacing, 0.0)
    return cut(sites, yx), int(sites.owner.max()) + 1


def test_bundles_hold_small_neurites_and_trunks():
    diameters = []
    for seed in range(8):
        sizes = np.bincount(bundles(seed)[0].labels.ravel())
        diameters += (2 * np.sqrt(sizes[sizes >= 12] / np.pi)).tolist()
    small, large = np.percentile(diameters, [10, 98])
    assert large > 4 * small


def test_bodies_are_in_one_piece():
    broken = total = 0
    for seed in range(6):
        labels = bundles(seed)[0].labels
        for object_id, box in enumerate(ndimage.find_objects(labels), start=1):
            if box is None or np.count_nonzero(labels[box] == object_id) < 40:
                continue
            sizes = np.bincount(ndimage.label(labels[box] == object_id, np.ones((3, 3)))[0].ravel())
            total += 1
            broken += sizes[1:].max() < 0.9 * sizes[1:].sum()
    assert total > 100
    assert broken < 0.03 * total


@pytest.mark.parametrize("seed", range(6))
def test_borders_are_darker_than_insides(seed):
    rng = np.random.default_rng(seed)
    scene = draw_em(rng, 150, Stage(rng))
    border = ndimage.maximum_filter(scene.labels, 3) != ndimage.minimum_filter(scene.labels, 3)
    far = ndimage.distance_transform_edt(~border)
    assert scene.light[border].mean() < 0.8 * scene.light[far > 4].mean()


def test_organelles_leave_membranes_alone():
    for seed in range(5):
        tiling, count = bundles(seed)
        rng = np.random.default_rng(seed)
        light = np.ones_like(tiling.wall)
        add_mitochondria(rng, light, tiling, count, 12.0)
        assert (light[tiling.wall < 0.5] == 1).all()
        assert (light < 0.8).mean() > 0.002


def test_vesicles_are_dark_and_in_some_cells_only():
    tiling, count = bundles(0)
    shares = []
    for seed in range(20):
        light = np.ones_like(tiling.wall)
        add_vesicles(np.random.default_rng(seed), light, tiling, count)
        assert light.max() <= 1
        cells = np.unique(tiling.labels)
        dark = ndimage.minimum(light, tiling.labels, cells) < 1
        shares.append(dark.mean())
    assert min(shares) == 0
    assert 0.1 < max(shares) < 1


def test_trunks_are_longer_than_wide():
    def stretch(length):
        sites = scatter_sites(
            np.random.default_rng(4), 400, 10.0, jitter=0.1, large=0.004, reach=3.0, length=length
        )
        owners, counts = np.unique(sites.owner, return_counts=True)
        found = []
        for owner in owners[counts >= 9]:
            spread = np.linalg.eigvalsh(np.cov(sites.zyx[sites.owner == owner, 1:].T))
            found.append(np.sqrt(spread[1] / spread[0]))
        return np.median(found)

    assert stretch(1.0) < 1.3
    assert stretch(5.0) > 1.6
