"""Single planes of every kind."""

import numpy as np
import pytest
from scipy import ndimage

from napari_sam2.synthetic import KINDS, draw_plane
from napari_sam2.synthetic.culture import draw_culture
from napari_sam2.synthetic.nuclei import draw_nuclei
from napari_sam2.synthetic.optics import Camera, expose, stretch
from napari_sam2.synthetic.placing import MIN_PIXELS, tidy
from napari_sam2.synthetic.planes import DRAWERS, pick_kind
from napari_sam2.synthetic.stage import Stage


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [64, 150])
def test_every_kind_is_valid(kind, side):
    found = 0
    for seed in range(6):
        sample = draw_plane(seed, side=side, kind=kind)
        colour = (3,) if kind == "histology" else ()
        assert sample.kind == kind
        assert sample.image.shape == (side, side, *colour)
        assert sample.image.dtype == np.float32
        assert np.isfinite(sample.image).all()
        assert sample.image.min() >= 0
        assert sample.image.max() <= 1
        assert sample.image.std() > 0.01
        assert sample.labels.shape == (side, side)
        assert sample.labels.dtype == np.int32
        sizes = np.bincount(sample.labels.ravel())[1:]
        assert (sizes >= MIN_PIXELS).all()
        found += len(sizes)
    assert found > 10


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_decides_all(kind):
    first, again = draw_plane(11, side=96, kind=kind), draw_plane(11, side=96, kind=kind)
    other = draw_plane(12, side=96, kind=kind)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert not np.array_equal(first.image, other.image)
    assert not np.array_equal(first.labels, other.labels)


def test_seeds_may_be_tuples_and_generators():
    whole = draw_plane((3, 4), side=64)
    np.testing.assert_array_equal(whole.image, draw_plane((3, 4), side=64).image)
    np.testing.assert_array_equal(
        whole.image, draw_plane(np.random.default_rng((3, 4)), side=64).image
    )


def test_kinds_come_as_often_as_they_should():
    rng = np.random.default_rng(0)
    kinds = [pick_kind(rng) for _ in range(3000)]
    for kind, (_, share) in DRAWERS.items():
        # four standard errors of a share of 0.3
        assert kinds.count(kind) / 3000 == pytest.approx(share, abs=0.033), kind
        assert share >= 0.02
    assert sum(share for _, share in DRAWERS.values()) == pytest.approx(1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_smallest_planes_are_drawn_too(kind):
    for seed in range(25):
        assert draw_plane(seed, side=32, kind=kind).image.shape[:2] == (32, 32)


@pytest.mark.parametrize("kind", ["nuclei", "brightfield", "histology", "phase", "cells", "shapes"])
def test_objects_are_in_one_piece(kind):
    for seed in range(5):
        labels = draw_plane(seed, side=160, kind=kind).labels
        for object_id, box in enumerate(ndimage.find_objects(labels), start=1):
            pieces, count = ndimage.label(labels[box] == object_id, np.ones((3, 3)))
            # a spike of a pixel's width may break
            assert np.bincount(pieces.ravel())[1:].max() > 0.9 * np.count_nonzero(pieces), (
                seed,
                count,
            )


@pytest.mark.parametrize("kind", ["walls", "em"])
def test_tilings_cover_the_plane(kind):
    covered = [(draw_plane(seed, side=128, kind=kind).labels > 0).mean() for seed in range(10)]
    assert np.median(covered) > 0.98


def contrasts(image, labels):
    """Mean light inside minus mean light in a ring of background, per object with such a ring."""
    found = []
    for object_id in np.unique(labels)[1:]:
        inside = labels == object_id
        ring = ndimage.binary_dilation(inside, iterations=6) & ~ndimage.binary_dilation(
            inside, iterations=2
        )
        ring &= ndimage.distance_transform_edt(labels == 0) > 2
        if ring.sum() > 10:
            found.append(image[inside].mean() - image[ring].mean())
    return np.array(found)


@pytest.mark.parametrize("seed", range(5))
def test_nuclei_are_brighter_than_what_is_around(seed):
    rng = np.random.default_rng(seed)
    camera = Camera(sigma=0.0, photons=1e9, read_noise=0.0)
    culture = draw_culture(rng, 128, diameter=20.0)
    scene = draw_nuclei(rng, 128, Stage(rng), culture, camera)
    image = stretch(expose(rng, scene.light, camera), camera)
    difference = contrasts(image, tidy(scene.labels))
    assert len(difference) > 0
    assert (difference > 0).mean() > 0.9


def test_stained_nuclei_are_darker_than_what_is_around():
    difference = []
    for seed in range(8):
        sample = draw_plane(seed, side=128, kind="brightfield")
        difference += contrasts(sample.image, sample.labels).tolist()
    assert np.mean(np.array(difference) < 0) > 0.9


def test_bad_requests_are_explained():
    with pytest.raises(ValueError, match="kind 'nucleus' is not known; use one of nuclei"):
        draw_plane(0, kind="nucleus")
    with pytest.raises(ValueError, match="side 8 is too small"):
        draw_plane(0, side=8)
