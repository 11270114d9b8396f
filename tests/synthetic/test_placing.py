"""Where objects go, and whose pixel is whose."""

import numpy as np
import pytest

from napari_sam2.synthetic.placing import claim, place, tidy
from napari_sam2.synthetic.shapes import Outline, rasterise

ROUND = np.ones(256, np.float32)


@pytest.mark.parametrize("clustering", [0.0, 0.9])
def test_discs_keep_apart(clustering):
    radii = np.random.default_rng(0).uniform(4, 9, 60).astype(np.float32)
    spots = place(np.random.default_rng(1), (100, 150), radii, spacing=1.1, clustering=clustering)
    apart = np.hypot(*(spots[:, None, :2] - spots[:, :2]).T)
    touch = 1.1 * (spots[:, None, 2] + spots[:, 2])
    others = ~np.eye(len(spots), dtype=bool)
    assert len(spots) > 20
    assert (apart[others] >= touch[others] - 1e-3).all()


def test_clustered_discs_touch():
    radii = np.full(20, 5, np.float32)
    spots = place(np.random.default_rng(2), (200, 200), radii, spacing=1.0, clustering=1.0)
    apart = np.hypot(*(spots[:, None, :2] - spots[:, :2]).T)
    np.fill_diagonal(apart, np.inf)
    assert np.median(apart.min(axis=1)) < 11


def test_a_later_object_takes_only_free_pixels():
    labels = np.zeros((40, 40), np.int32)
    claim(labels, rasterise(Outline((20.0, 15.0), (8.0, 8.0), 0.0, ROUND), labels.shape), 1)
    first = labels == 1
    claim(labels, rasterise(Outline((20.0, 25.0), (8.0, 8.0), 0.0, ROUND), labels.shape), 2)
    np.testing.assert_array_equal(labels == 1, first)
    assert np.count_nonzero(labels == 2) > 50


def test_an_object_cut_in_two_keeps_its_larger_piece():
    labels = np.zeros((40, 60), np.int32)
    labels[:, 25:29] = 7
    claim(labels, rasterise(Outline((20.0, 30.0), (15.0, 5.0), 0.0, ROUND), labels.shape), 1)
    assert not (labels[:, :25] == 1).any()
    assert (labels[:, 29:] == 1).any()


def test_tidy_drops_specks_and_closes_gaps():
    labels = np.zeros((20, 20), np.int32)
    labels[:4, :4], labels[10:12, 10:12], labels[15:, 15:] = 5, 6, 9
    tidied = tidy(labels)
    assert np.unique(tidied).tolist() == [0, 1, 2]
    assert (tidied[:4, :4] == 1).all()
    assert (tidied[15:, 15:] == 2).all()
    assert tidied.dtype == np.int32
