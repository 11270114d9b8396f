"""Moments of a time-lapse."""

from dataclasses import replace

import numpy as np
import pytest

from napari_sam2.synthetic.motion import Moment, daughters, keep_apart
from napari_sam2.synthetic.shapes import Outline
from napari_sam2.synthetic.stage import Section
from napari_sam2.synthetic.tiling import scatter_sites

DISC = Outline((50.0, 50.0), (10.0, 10.0), 0.0, np.ones(256, np.float32))


def moments(count=8, **settings):
    return [
        Moment(noise=np.random.default_rng(0), seed=4, frame=frame, n_frames=count, **settings)
        for frame in range(count)
    ]


def test_without_division_ids_stay():
    for moment in moments():
        assert [
            take.object_id for take in moment.takes([DISC, replace(DISC, centre=(10.0, 10.0))])
        ] == [1, 4]


def test_steps_are_small_and_drift_moves_all():
    places = np.array(
        [m.takes([DISC])[0].outline.centre for m in moments(speed=0.0, drift=(2.0, -1.0))]
    )
    np.testing.assert_allclose(np.diff(places, axis=0), np.tile([2.0, -1.0], (7, 1)), atol=1e-4)


def test_at_a_division_the_parent_ends_and_two_daughters_begin():
    seen = [[take.object_id for take in moment.takes([DISC])] for moment in moments(dividing=1.0)]
    birth = next(frame for frame, ids in enumerate(seen) if len(ids) == 2)
    assert 1 <= birth < 8
    assert seen == [[1]] * birth + [list(daughters(1))] * (8 - birth)


def test_daughters_start_where_the_parent_was():
    frames = [moment.takes([DISC]) for moment in moments(dividing=1.0, speed=0.05)]
    birth = next(frame for frame, takes in enumerate(frames) if len(takes) == 2)
    middle = np.mean([take.outline.centre for take in frames[birth]], axis=0)
    assert np.hypot(*(middle - frames[birth - 1][0].outline.centre)) < 4
    first, second = (take.outline for take in frames[birth])
    assert np.hypot(*np.subtract(first.centre, second.centre)) > 6


def test_daughters_do_not_divide():
    assert daughters(1) == (2, 3)
    assert daughters(2) == daughters(3) == ()


def test_discs_that_overlap_are_pushed_apart():
    place = np.array([[10.0, 10.0], [10.0, 14.0], [40.0, 40.0]])
    radii, alive = np.full(3, 5.0), np.ones(3, bool)
    for _ in range(10):
        place = keep_apart(place, radii, alive)
    assert np.hypot(*(place[0] - place[1])) > 9.5
    np.testing.assert_array_equal(place[2], [40, 40])


def test_sites_of_one_cell_move_together():
    sites = scatter_sites(np.random.default_rng(1), 80, 15.0, merging=0.5)
    later = Moment(noise=np.random.default_rng(0), seed=4, frame=3, n_frames=4, speed=0.3)
    moved = later.move_sites(sites, 15.0)
    steps = moved.zyx - sites.zyx
    for owner in np.unique(sites.owner):
        assert np.ptp(steps[sites.owner == owner], axis=0).max() < 1e-4
    assert np.abs(steps).max() > 0


@pytest.mark.parametrize("z", [-25.0, 25.0])
def test_a_body_ends_above_and_below(z):
    stage = Section(noise=np.random.default_rng(0), seed=1, z=z, depth=30.0)
    assert stage.takes([DISC]) == []


def test_a_body_is_largest_in_its_middle():
    areas = []
    for z in (-6.0, -3.0, 0.0, 3.0, 6.0):
        (take,) = Section(noise=np.random.default_rng(0), seed=1, z=z, depth=30.0).takes([DISC])
        areas.append(take.outline.radii[0] * take.outline.radii[1])
    assert areas[0] < areas[1] < areas[2] > areas[3] > areas[4]
