"""Clips, stacks and time-lapses."""

import itertools

import numpy as np
import pytest

from napari_sam2.synthetic import KINDS, draw_clip, draw_stack, draw_timelapse
from napari_sam2.synthetic.movies import settle
from napari_sam2.synthetic.placing import MIN_PIXELS


def neighbour_overlaps(labels):
    """IoU of each object of 40 pixels or more with itself on the next frame, 0 where its id is gone."""
    found = []
    for now, later in itertools.pairwise(labels):
        for object_id in np.flatnonzero(np.bincount(now.ravel()) >= 40)[1:]:
            both = np.count_nonzero((now == object_id) & (later == object_id))
            found.append(both / np.count_nonzero((now == object_id) | (later == object_id)))
    return np.array(found)


def assert_ids_have_no_gaps(labels):
    ids = np.unique(labels)
    assert ids.tolist() == list(range(int(ids[0]), len(ids) + int(ids[0])))


@pytest.mark.parametrize("kind", KINDS)
def test_clips_are_valid_and_ids_persist(kind):
    overlaps = []
    for seed in range(6):
        clip = draw_clip(seed, n_frames=3, side=96, kind=kind)
        colour = (3,) if kind == "histology" else ()
        assert clip.kind == kind
        assert clip.image.shape == (3, 96, 96, *colour)
        assert clip.image.dtype == np.float32
        assert np.isfinite(clip.image).all()
        assert clip.image.min() >= 0
        assert clip.image.max() <= 1
        assert clip.labels.shape == (3, 96, 96)
        assert clip.labels.dtype == np.int32
        assert_ids_have_no_gaps(clip.labels)
        assert set(clip.parents) | set(clip.parents.values()) <= set(
            np.unique(clip.labels).tolist()
        )
        overlaps.append(neighbour_overlaps(clip.labels))
    assert np.median(np.concatenate(overlaps)) > 0.6


def test_a_seed_decides_the_clip():
    first, again, other = (draw_clip(seed, side=64) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert first.parents == again.parents
    assert not np.array_equal(first.labels, other.labels)


def test_frames_of_a_clip_differ():
    for seed in range(5):
        clip = draw_clip(seed, n_frames=2, side=64, kind="nuclei")
        assert not np.array_equal(clip.image[0], clip.image[1])


def test_a_clip_may_have_one_frame():
    assert draw_clip(0, n_frames=1, side=64).image.shape[0] == 1


def test_stack_has_bodies_that_begin_and_end():
    stack = draw_stack(1, shape=(16, 100, 130))
    assert stack.image.shape == stack.labels.shape == (16, 100, 130)
    assert stack.image.dtype == np.uint16
    assert stack.image.min() >= 100
    assert stack.image.max() > 2000
    assert_ids_have_no_gaps(stack.labels)
    inner = 0
    for object_id in range(1, stack.labels.max() + 1):
        there = np.flatnonzero((stack.labels == object_id).any(axis=(1, 2)))
        assert (
            np.ptp(there) + 1 - len(there) <= 1
        )  # in one piece along z, but for a cap under MIN_PIXELS
        inner += there[0] > 0 and there[-1] < 15
    assert inner > 3
    assert np.median(neighbour_overlaps(stack.labels)) > 0.5


def test_stack_is_brighter_where_there_are_nuclei():
    stack = draw_stack(2, shape=(8, 128, 128))
    assert stack.image[stack.labels > 0].mean() > 1.5 * stack.image[stack.labels == 0].mean()


def test_timelapse_divides():
    movie = draw_timelapse(1, shape=(20, 128, 128))
    assert movie.image.shape == (20, 128, 128)
    assert movie.image.dtype == np.uint16
    assert len(set(movie.parents.values())) > 0
    for daughter, parent in movie.parents.items():
        last = np.flatnonzero((movie.labels == parent).any(axis=(1, 2)))[-1]
        first = np.flatnonzero((movie.labels == daughter).any(axis=(1, 2)))[0]
        assert first > last
    assert np.median(neighbour_overlaps(movie.labels)) > 0.6


@pytest.mark.parametrize("draw", [draw_stack, draw_timelapse])
def test_sample_data_follow_their_seed(draw):
    first, again, other = (draw(seed, shape=(4, 64, 64)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("kind", KINDS)
def test_sample_data_of_every_kind(kind):
    for draw in (draw_stack, draw_timelapse):
        movie = draw(3, shape=(3, 64, 80), kind=kind)
        assert movie.image.shape[:3] == movie.labels.shape == (3, 64, 80)
        assert movie.kind == kind


def test_bad_requests_are_explained():
    with pytest.raises(ValueError, match="a clip of 0 frames is empty"):
        draw_clip(0, n_frames=0)
    with pytest.raises(ValueError, match="side 16 is too small"):
        draw_stack(0, shape=(4, 16, 64))
    with pytest.raises(ValueError, match="is not a stack; give"):
        draw_timelapse(0, shape=(64, 64))
    with pytest.raises(ValueError, match="kind 'cat' is not known"):
        draw_timelapse(0, shape=(4, 64, 64), kind="cat")


def test_settle_drops_specks_on_single_frames_and_tells_new_ids():
    labels = np.zeros((2, 20, 20), np.int32)
    labels[0, :5, :5] = 4
    labels[1, :1, :5] = 4
    labels[1, 10:, 10:] = 9
    labels[:, 7, 7] = 6
    settled, renamed = settle(labels)
    assert renamed == {4: 1, 9: 2}
    assert np.count_nonzero(settled[0] == 1) == 25 >= MIN_PIXELS
    assert np.unique(settled[1]).tolist() == [0, 2]
