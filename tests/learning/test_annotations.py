"""What is learned from, and how it is shown and split."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_sam2 import Point, Session, Stack
from napari_sam2.errors import LearningError
from napari_sam2.learning import (
    LearningSettings,
    Showing,
    annotations_of_labels,
    annotations_of_session,
)
from napari_sam2.learning.examples import as_batch, draw_crop, examples_of
from napari_sam2.learning.holding_out import hold_out


@pytest.fixture
def session(nano, ring_plane) -> Session:
    stack = np.stack([ring_plane(seed).pixels for seed in range(3)])
    return Session(stack, nano, (0.0, 1.0), window_side=64)


def test_only_what_the_user_vouched_for_is_learned_from(session) -> None:
    session.add_prompt(1, Point(0, (28, 28)))  # a lone click
    with pytest.raises(LearningError, match="correct or accept"):
        annotations_of_session(session)
    session.add_prompt(2, Point(0, (28, 80)))
    session.add_prompt(2, Point(0, (36, 80)))  # a correction
    painted = np.zeros(session.plane_shape, bool)
    painted[100:120, 100:120] = True
    session.take_mask(3, 1, painted)
    session.accept(1, 0)
    planes = annotations_of_session(session)
    assert [p.frame for p in planes] == [0, 1]
    assert planes[0].object_ids == [1, 2]
    assert ((planes[1].labels == 3) == painted).all()
    assert not any(p.is_complete for p in planes)
    assert planes[0].pixels.dtype == np.float32


def test_labels_must_fit_their_image(ring_plane) -> None:
    plane = ring_plane(0)
    image = Stack.from_array((255 * plane.pixels[None, ..., 0]).astype(np.uint8), "ZYX")
    labels = Stack.from_array(plane.labels[None], "ZYX")
    (found,) = annotations_of_labels(image, labels, source="here")
    assert found.is_complete
    assert (found.labels == plane.labels).all()
    with pytest.raises(LearningError, match="frame 4 does not exist"):
        annotations_of_labels(image, labels, [4])
    cut = Stack.from_array(plane.labels[None, 1:], "ZYX")
    with pytest.raises(LearningError, match="do not fit"):
        annotations_of_labels(image, cut)
    nothing = Stack.from_array(np.zeros_like(plane.labels[None]), "ZYX")
    with pytest.raises(LearningError, match="no object"):
        annotations_of_labels(image, nothing)


def test_a_window_holds_its_object_at_the_size_that_a_session_shows(ring_plane) -> None:
    example = examples_of([ring_plane(0)])[0]  # in a corner
    rng = np.random.default_rng(0)
    showing = Showing(128, 3.0)
    shares = []
    for _ in range(60):
        crop = draw_crop(example, 128, showing, frozenset({example.group}), rng)
        assert crop.truth.shape == (1, 128, 128)
        shares.append(128 / (2 * math.sqrt(crop.truth[0].sum() / math.pi)))
    assert np.median(shares) == pytest.approx(3.0, rel=0.2)
    assert 1.7 < min(shares) < max(shares) < 5.5


def test_neighbours_are_asked_for_only_if_they_are_learned_from(ring_plane) -> None:
    examples = examples_of([ring_plane(0)])
    known = frozenset({examples[4].group, examples[5].group})
    rng = np.random.default_rng(0)
    crops = [draw_crop(examples[4], 64, Showing(120, 0.0), known, rng) for _ in range(12)]
    assert {len(crop.truth) for crop in crops} == {2}
    batch = as_batch(crops)
    assert batch.images.shape == (1, 12, 3, 64, 64)
    assert batch.truth.shape == (1, 24, 64, 64)
    assert batch.crop_of_row.tolist() == sorted([*range(12), *range(12)])


def test_an_object_is_never_on_both_sides(ring_plane) -> None:
    planes = [ring_plane(seed, source=source) for seed in range(2) for source in ("a", "b")]
    (split,) = hold_out(examples_of(planes), seed=0)
    learned, judges = ({e.group for e in side} for side in split)
    assert learned
    assert judges
    assert not learned & judges
    images = [ring_plane(seed, source=str(seed)) for seed in range(4)]
    ((learned_from, judged),) = hold_out(examples_of(images), seed=0)
    assert {e.plane.source for e in judged}.isdisjoint(e.plane.source for e in learned_from)


def test_few_objects_are_each_held_out_once(ring_plane) -> None:
    examples = examples_of([ring_plane(0, 5)])
    splits = hold_out(examples, seed=0)
    held = sorted(e.object_id for _, judges in splits for e in judges)
    assert held == [1, 2, 3, 4, 5]
    assert len(splits) == 3


def test_settings_say_what_is_wrong() -> None:
    with pytest.raises(LearningError, match="use one of decoder, memory"):
        LearningSettings(learn="encoder")
    with pytest.raises(LearningError, match="some time"):
        LearningSettings(minutes=0)


def test_where_the_session_shows_whole_planes_so_do_the_examples() -> None:
    assert Showing(None, 3.0).usual_extent(20) == Showing(None, 0.0).usual_extent(20) > 500
    assert Showing(128, 3.0).usual_extent(20) == 60
    assert Showing(128, 3.0).usual_extent(5) == 32
    assert Showing(128, 0.0).usual_extent(20) == 128
