"""The outline of a mask."""

from __future__ import annotations

import numpy as np

from napari_sam2._napari.ghost import edges_of


def test_single_pixel_has_four_edges_around_its_centre() -> None:
    mask = np.zeros((4, 5), dtype=bool)
    mask[1, 3] = True
    edges = edges_of(mask).reshape(-1, 2, 2)
    assert len(edges) == 4
    assert edges.min(axis=(0, 1)).tolist() == [0.5, 2.5]
    assert edges.max(axis=(0, 1)).tolist() == [1.5, 3.5]
    assert np.abs(np.diff(edges, axis=1)).sum(axis=(1, 2)).tolist() == [1, 1, 1, 1]


def test_inner_edges_are_left_out_and_the_rim_of_the_plane_is_not() -> None:
    mask = np.ones((2, 3), dtype=bool)
    assert len(edges_of(mask)) == 2 * (2 * 2 + 2 * 3)
    assert len(edges_of(np.zeros((2, 3), dtype=bool))) == 0
