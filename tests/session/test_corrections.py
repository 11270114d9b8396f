"""What a correction does to other frames: what goes with a denied mask, and what stays after any other correction."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_sam2 import MaskPrompt, Point
from napari_sam2.engine import inference
from napari_sam2.engine.masks import CompactMask
from napari_sam2.engine.stop_rule import StopRule
from napari_sam2.results import Scores
from napari_sam2.session import Session
from napari_sam2.session.denial import frames_denied, is_denial
from napari_sam2.session.propagation import _continuing
from napari_sam2.session.state import FrameRecord, ObjectState

PLANE = (64, 80)
WEAKEST = 5


def disc(centre=(30, 30), radius=10):
    y, x = np.mgrid[: PLANE[0], : PLANE[1]]
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


def record(mask, direction=1, iou_score=0.9, since=2, prompted=False):
    packed = CompactMask.pack(mask)
    scores = Scores(iou_score, 1.0, 5.0, packed.area)
    return FrameRecord(1, packed, scores, None, direction, since=since, prompted=prompted)


def click(y, x, positive=False, frame=7):
    return Point(frame, (y, x), positive=positive)


@pytest.mark.parametrize(
    ("prompts", "after", "expected"),
    [
        ([click(30, 30)], np.zeros(PLANE, bool), True),  # nothing was found instead
        ([click(30, 30)], disc() & ~disc(radius=2), True),  # the model takes no heed
        ([click(32, 31)], disc(), True),
        ([click(30, 30)], disc() & ~disc((30, 36), 12), False),  # the model trimmed it
        ([click(30, 38)], disc(), False),  # the rim was named
        ([click(30, 38)], np.zeros(PLANE, bool), False),
        ([click(50, 70)], np.zeros(PLANE, bool), False),  # beside it
        ([click(30, 30), click(30, 36, positive=True)], np.zeros(PLANE, bool), False),
        ([MaskPrompt(7, np.zeros(PLANE, bool))], np.zeros(PLANE, bool), True),  # rubbed out
        ([MaskPrompt(7, disc(radius=3))], disc(radius=3), False),
    ],
)
def test_what_denies_an_object(prompts, after, expected):
    assert denies(record(disc()), prompts, after) is expected


def denies(before, prompts, found, rule=None):
    state = ObjectState(1, records={7: before})
    return is_denial(state, 7, prompts, CompactMask.pack(found), rule or StopRule())


def test_only_tracked_masks_are_denied_and_only_where_absence_is_heeded():
    nothing = np.zeros(PLANE, bool)
    assert denies(record(disc()), [click(30, 30)], nothing)
    assert not denies(record(disc(), direction=0), [click(30, 30)], nothing)
    assert not denies(record(nothing), [click(30, 30)], nothing)
    assert not denies(record(disc()), [click(30, 30)], nothing, StopRule.never())


def test_what_was_denied_stays_so_until_something_positive_is_said():
    denied = record(np.zeros(PLANE, bool), prompted=True)
    assert denies(denied, [click(30, 30), click(10, 10)], disc())
    assert not denies(denied, [click(30, 30), click(30, 30, True)], disc())


def tracked_object(prompted=(2,)):
    """Tracked from frame 2 to 11, least surely on frame 5."""
    state = ObjectState(1, prompts={f: (click(30, 30, True, f),) for f in prompted})
    for f in range(2, 12):
        state.records[f] = record(disc(), 1, 0.4 if f == WEAKEST else 0.9)
    state.records[2] = record(disc(), 0, since=None)
    state.records[1] = record(disc(), -1)
    state.settled = set(range(1, 12)) - set(prompted)
    return state


def test_it_was_lost_where_the_confidence_is_lowest():
    state = tracked_object()
    assert sorted(frames_denied(state, 9, 12)) == [5, 6, 7, 8, 10, 11]
    assert frames_denied(state, 3, 12) == list(range(4, 12)), "nothing lies between"
    state.records[4] = replace(state.records[4], mask=CompactMask.pack(np.zeros(PLANE, bool)))
    state.records[4] = replace(state.records[4], scores=replace(state.records[4].scores, area=0))
    assert sorted(frames_denied(state, 9, 12)) == [4, 5, 6, 7, 8, 10, 11], "a gap is less certain"


def test_prompted_frames_and_other_passes_are_spared():
    state = tracked_object(prompted=(2, 6, 10))
    assert sorted(frames_denied(state, 8, 12)) == [7, 9]
    state = tracked_object()
    state.records[11] = record(disc(), -1, since=20)
    assert 11 not in frames_denied(state, 9, 12)


@pytest.fixture
def tracked(stack, model):
    """An object that a stand-in network keeps on all frames."""
    rule = StopRule(object_score=-1e9, growth=0)
    session = Session(stack, model, stop_rule=rule)
    session.add_prompt(1, Point(4, (30, 25)))
    list(session.propagate())
    # the masks of stand-in weights are arbitrary, so the one that is denied is put there
    assert session.pending(1) == []
    return session


def denied(session, frame=8):
    return session.add_prompt(1, MaskPrompt(frame, np.zeros(session.plane_shape, bool)))


def test_a_denial_takes_the_frames_behind_at_once_and_undo_brings_them_back(tracked, everything):
    before = everything(tracked)
    had = [f for f in range(10) if tracked.mask(1, f).any()]
    assert {8, 9} <= set(had), "the stand-in network finds something there"
    update = denied(tracked)
    assert update.frame == 8
    assert not tracked.mask(1, 8).any()
    gone = {other.frame for other in update.others}
    assert 9 in gone
    assert gone <= {5, 6, 7, 9}
    for frame in gone:
        assert not tracked.mask(1, frame).any()
        assert not (np.asarray(tracked.labels[frame]) == 1).any()
    for frame in set(had) - gone - {8}:
        assert tracked.mask(1, frame).any(), "what lies before stays"
    assert tracked.pending(1) == [], "nothing is to be tracked again"
    tracked.undo()
    assert everything(tracked) == before


def test_behind_a_denied_frame_nothing_is_tracked(tracked, stack, model, tmp_path):
    denied(tracked)
    tracked.save(tmp_path / "saved")
    for session in (tracked, Session.load(tmp_path / "saved", stack, model)):
        state = session._ledger.objects[1]
        state.settled.discard(9)
        list(session.propagate())
        assert not session.mask(1, 9).any()
    tracked.add_prompt(1, Point(9, (30, 35)))
    assert tracked.mask(1, 9).any(), "the user may say otherwise"


def test_without_a_stop_rule_a_denial_is_a_prompt_like_any_other(session):
    session.add_prompt(1, Point(4, (30, 25)))
    list(session.propagate())
    update = denied(session)
    assert update.others == ()
    assert session.pending(1) == [5, 6, 7, 9]


@pytest.mark.parametrize(
    ("moved", "expected"), [(0, True), (5, True), (9, True), (15, False), (40, False)]
)
def test_a_mask_continues_the_object_where_it_lies_on_the_frame_before(moved, expected):
    earlier = record(disc((30, 30 + moved)))
    kept = _continuing(earlier, record(disc()))
    assert (kept is earlier) == expected


def test_what_was_not_found_or_ended_there_does_not_continue():
    assert _continuing(None, record(disc())) is None
    assert _continuing(record(disc()), None) is None
    lost = record(disc())
    assert _continuing(replace(lost, scores=replace(lost.scores, object_score=-1)), lost) is None
    assert _continuing(replace(lost, scores=replace(lost.scores, stopped="growth")), lost) is None


def heedless(decision):
    """Find the same place whatever was asked."""
    blob = torch.full_like(decision.logits, -8.0)
    blob[:, 8:20, 6:18] = 8.0
    score = torch.ones_like(decision.object_score)
    return replace(decision, logits=blob, object_score=score)


def sure(carry):
    return lambda *args: heedless(carry(*args))


@pytest.mark.parametrize("heeds", [True, False])
def test_masks_stay_where_the_corrected_pass_finds_nothing(stack, model, monkeypatch, heeds):
    """The same network is made to lose the object after a correction of its first frame."""
    carry = inference.carry

    def losing(*args):
        decision = heedless(carry(*args))
        return replace(decision, logits=-decision.logits.abs(), object_score=-decision.object_score)

    session = Session(stack, model, stop_rule=StopRule() if heeds else None)
    session.add_prompt(1, Point(4, (30, 25)))
    monkeypatch.setattr(inference, "carry", sure(carry))
    list(session.propagate())
    found = [session.mask(1, f) for f in range(10)]
    session.add_prompt(1, Point(4, (28, 24)))
    assert len(session.pending(1)) == 9
    monkeypatch.setattr(inference, "carry", losing)
    list(session.propagate())
    continued = [f for f in (0, 1, 2, 6, 7, 8) if (session.mask(1, f) == found[f]).all()]
    assert continued == ([0, 1, 2, 6, 7, 8] if heeds else [])


def test_the_ghost_of_a_denial_is_empty_as_its_mask_will_be(stack, model, monkeypatch):
    session = Session(stack, model)
    session.add_prompt(1, Point(4, (30, 25)))
    monkeypatch.setattr(inference, "carry", sure(inference.carry))
    list(session.propagate(frames=[5, 6]))
    rows, columns = np.nonzero(session.mask(1, 6))
    middle = Point(6, (float(rows.mean()), float(columns.mean())), positive=False)
    decided = inference.decide
    monkeypatch.setattr(inference, "decide", lambda *a, **k: heedless(decided(*a, **k)))
    assert not session.preview(middle, 1).any()
    session.add_prompt(1, middle)
    assert not session.mask(1, 6).any()
    rim = Point(5, (float(rows.min()), float(columns.mean())), positive=False)
    assert session.preview(rim, 1).any()
