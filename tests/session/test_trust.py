"""Accepting a frame, and finding the least certain one."""

import numpy as np
import pytest

from napari_sam2 import Point
from napari_sam2.engine.stop_rule import StopRule
from napari_sam2.errors import SessionError
from napari_sam2.session import Session


@pytest.fixture
def tracked(session):
    session.add_prompt(1, Point(4, (30, 25)))
    list(session.propagate())
    return session


def test_an_accepted_frame_is_trusted_with_the_mask_it_has(tracked, everything, monkeypatch):
    monkeypatch.setattr(type(tracked.model), "decode", lambda *a: pytest.fail("decoded"))
    before, mask = everything(tracked), tracked.mask(1, 7)
    assert not tracked.is_accepted(1, 7)
    update = tracked.accept(1, 7)
    assert tracked.is_accepted(1, 7)
    assert np.array_equal(tracked.mask(1, 7), mask)
    assert np.array_equal(update.labels, tracked.labels[(7, *_slices(update.window))])
    assert np.array_equal(tracked.prompts(1)[7][0].mask, mask)
    assert tracked.confidence(1)[7] == 1
    assert tracked.pending(1) == [], "nothing has to be tracked again"
    tracked.undo()
    assert everything(tracked) == before


def _slices(window):
    y0, x0, y1, x1 = window
    return slice(y0, y1), slice(x0, x1)


def test_a_correction_stops_at_an_accepted_frame(tracked):
    tracked.accept(1, 7)
    tracked.add_prompt(1, Point(5, (33, 30)))
    assert tracked.pending(1) == [6]
    list(tracked.propagate())


def test_a_clicked_frame_keeps_its_clicks_when_it_is_accepted(tracked):
    prompts = tracked.prompts(1)
    tracked.accept(1, 4)
    assert tracked.is_accepted(1, 4)
    assert tracked.prompts(1) == prompts


def test_a_change_takes_the_acceptance_back(tracked):
    tracked.accept(1, 7)
    tracked.add_prompt(1, Point(7, (40, 40)))
    assert not tracked.is_accepted(1, 7)
    tracked.undo()
    assert tracked.is_accepted(1, 7)
    tracked.remove_prompts(1, 7)
    assert not tracked.is_accepted(1, 7)
    assert 7 in tracked.pending(1)


def test_absence_can_be_accepted_and_what_was_not_looked_at_cannot(stack, model):
    session = Session(stack, model, stop_rule=StopRule(object_score=1e9, absent_frames=1, growth=0))
    session.add_prompt(1, Point(0, (30, 25)))
    with pytest.raises(SessionError, match="object 1 was not tracked on frame 9"):
        session.accept(1, 9)
    list(session.propagate())
    update = session.accept(1, 9)
    assert update.scores.area == 0
    assert not session.prompts(1)[9][0].mask.any()
    assert np.isnan(session.confidence(1)[9])
    session.add_prompt(1, Point(5, (30, 25)))
    assert session.pending(1) == [1, 2, 3, 4, 6, 7, 8]
    list(session.propagate())


def test_the_least_confident_frame_is_found(tracked):
    tracked.add_prompt(2, Point(4, (40, 60)))
    list(tracked.propagate())
    values = {i: tracked.confidence(i) for i in (1, 2)}
    assert values[1].shape == (10,)
    places = sorted(
        (v, i, f) for i in (1, 2) for f, v in enumerate(values[i]) if f != 4 and not np.isnan(v)
    )
    seen = []
    while (place := tracked.least_confident(seen)) is not None:
        seen.append(place)
    assert seen == [(i, f) for _, i, f in places]
    tracked.lock(places[0][1])
    assert tracked.least_confident()[0] != places[0][1], "a locked object is finished"


def test_nothing_is_least_where_all_is_given(session, disk):
    assert session.least_confident() is None
    session.add_prompt(1, disk(4))
    assert session.least_confident() is None
