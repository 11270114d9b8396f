"""Dense tilings."""

import numpy as np
import pytest

from napari_sam2.synthetic.tiling import Sites, coordinates, cut, scatter_sites


def brute_force(sites, yx, z):
    """Owner of each pixel, by the distance to every site."""
    apart = (
        (yx[0][..., None] - sites.zyx[:, 1]) ** 2
        + (yx[1][..., None] - sites.zyx[:, 2]) ** 2
        + (z - sites.zyx[:, 0]) ** 2
        - sites.bonus
    )
    return sites.owner[apart.argmin(axis=-1)]


@pytest.mark.parametrize(("depth", "merging", "warp"), [(0.0, 0.0, 0.0), (20.0, 0.4, 5.0)])
def test_cut_is_the_nearest_site(depth, merging, warp):
    rng = np.random.default_rng(3)
    sites = scatter_sites(rng, 90, 14.0, depth=depth, size_spread=0.5, merging=merging, large=0.05)
    yx = coordinates(rng, 90, stretch=1.5, angle=0.4, warp=warp, scale=12.0)
    tiling = cut(sites, yx, z=3.0)
    assert (tiling.labels == brute_force(sites, yx, 3.0)).mean() > 0.9999


def test_wall_is_the_distance_to_the_border():
    sites = Sites(np.float32([[0, 20, 10], [0, 20, 30]]), np.zeros(2, np.float32), np.int32([1, 2]))
    tiling = cut(sites, coordinates(np.random.default_rng(0), 40))
    np.testing.assert_array_equal(np.unique(tiling.labels), [1, 2])
    np.testing.assert_allclose(tiling.wall[5], np.abs(np.arange(40) - 20), atol=1e-3)


def test_no_wall_inside_a_merged_cell():
    zyx = np.float32([[0, 20, 5], [0, 20, 15], [0, 20, 35]])
    tiling = cut(
        Sites(zyx, np.zeros(3, np.float32), np.int32([1, 1, 2])),
        coordinates(np.random.default_rng(0), 40),
    )
    assert tiling.wall[20, 10] > 9
    assert tiling.wall[20, 25] < 0.01


def test_neighbouring_planes_cut_the_same_cells():
    rng = np.random.default_rng(5)
    sites = scatter_sites(rng, 80, 20.0, depth=20.0)
    yx = coordinates(rng, 80)
    near, far = cut(sites, yx, 1.0).labels, cut(sites, yx, 18.0).labels
    start = cut(sites, yx, 0.0).labels
    assert (start == near).mean() > 0.9
    assert (start == far).mean() < 0.7
