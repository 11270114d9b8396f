"""The session keeps its promises whatever the weights are."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_sam2 import Box, MaskPrompt, Point, Scribble
from napari_sam2.engine.stop_rule import StopRule
from napari_sam2.errors import PromptError, SessionError
from napari_sam2.model.network import SAM2
from napari_sam2.session import CacheSizes, Session

CLICK = Point(4, (30, 25))


def disk(frame, centre=(30, 25), radius=9, shape=(64, 80)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return MaskPrompt(frame, (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2)


def everything(session):
    """All that a user can see: labels, masks and scores of every object."""
    masks = {
        (i, f): session.mask(i, f).tobytes()
        for i in session.object_ids
        for f in range(session.n_frames)
    }
    return session.labels.tobytes(), masks, {i: str(session.prompts(i)) for i in session.object_ids}


def test_a_click_paints_its_frame_only(session):
    update = session.add_prompt(1, CLICK)
    assert update.frame == 4
    assert update.object_id == 1
    y0, x0, y1, x1 = update.window
    assert np.array_equal(update.mask, session.mask(1, 4)[y0:y1, x0:x1])
    assert np.array_equal(update.labels, session.labels[4, y0:y1, x0:x1])
    assert session.mask(1, 4).sum() == update.mask.sum() == update.scores.area > 0
    assert not np.delete(session.labels, 4, axis=0).any()


def test_labels_are_read_only(session):
    with pytest.raises(ValueError, match="read-only"):
        session.labels[0, 0, 0] = 1


@pytest.mark.parametrize("direction", ["forward", "backward", "both"])
def test_propagation_reaches_the_frames_of_its_direction_once(session, direction):
    session.add_prompt(1, CLICK)
    frames = [u.frame for u in session.propagate(direction=direction)]
    expected = {"forward": range(5, 10), "backward": range(3, -1, -1)}
    if direction == "both":
        assert frames == [3, 5, 2, 6, 1, 7, 0, 8, 9], "nearest frames come first"
    else:
        assert frames == list(expected[direction])
    assert list(session.propagate(direction=direction)) == []


def test_propagation_on_a_range_of_frames(session):
    session.add_prompt(1, CLICK)
    assert [u.frame for u in session.propagate(frames=range(3, 7))] == [3, 5, 6]
    assert session.pending(1) == [0, 1, 2, 7, 8, 9]


def test_a_correction_redoes_only_up_to_the_trusted_neighbours(session):
    session.add_prompt(1, Point(1, (31, 27)))
    session.add_prompt(1, Point(8, (38, 41)))
    list(session.propagate())
    before = {f: session.mask(1, f) for f in (0, 9)}
    session.add_prompt(1, Point(4, (34, 33)), Point(4, (5, 70), positive=False))
    assert session.pending(1) == [2, 3, 5, 6, 7]
    assert {u.frame for u in session.propagate()} == {2, 3, 5, 6, 7}
    assert all(np.array_equal(before[f], session.mask(1, f)) for f in before)
    assert list(session.scores(1).prompted) == [f in (1, 4, 8) for f in range(10)]


def test_stopping_loses_nothing_and_going_on_gives_the_same(session, stack, model):
    session.add_prompt(1, CLICK)
    run = session.propagate()
    done = [next(run).frame for _ in range(4)]
    run.close()
    assert set(session.scores(1).frame) == {4, *done}
    list(session.propagate())
    whole = Session(stack, model, stop_rule=None)
    whole.add_prompt(1, CLICK)
    list(whole.propagate())
    assert everything(session) == everything(whole)


def test_another_action_ends_a_running_propagation(session):
    session.add_prompt(1, CLICK)
    run = session.propagate()
    next(run)
    session.add_prompt(2, Point(4, (40, 60)))
    assert list(run) == []
    assert session.can_undo == "add prompt"


def test_undo_and_redo_walk_through_every_state(session):
    actions = [
        lambda: session.add_prompt(1, CLICK),
        lambda: session.add_prompt(1, Point(4, (10, 70), positive=False)),
        lambda: list(session.propagate(frames=range(2, 7))),
        lambda: session.add_prompt(2, Box(5, (30, 50), (50, 70))),
        lambda: session.choose(1, 4, 1),
        lambda: list(session.propagate()),
        lambda: session.add_prompt(1, disk(6)),
        lambda: session.remove_prompts(1, 4),
        lambda: session.remove_object(1),
        lambda: session.add_prompt(3, Scribble(0, ((10, 10), (40, 40)))),
    ]
    states = [everything(session)]
    for action in actions:
        action()
        states.append(everything(session))
    for state in reversed(states[:-1]):
        session.undo()
        assert everything(session) == state
    assert session.undo() == []
    for state in states[1:]:
        session.redo()
        assert everything(session) == state
    assert session.redo() == []


def test_updates_of_undo_repaint_a_copy_of_the_labels(session):
    session.add_prompt(1, CLICK)
    session.add_prompt(2, Point(4, (40, 60)))
    list(session.propagate())
    shown = session.labels.copy()
    for update in session.undo():
        y0, x0, y1, x1 = update.window
        shown[update.frame, y0:y1, x0:x1] = update.labels
    assert np.array_equal(shown, session.labels)


def test_ids_are_not_used_again(session):
    session.add_prompt(1, CLICK)
    session.remove_object(1)
    assert session.object_ids == ()
    assert session.new_object_id() == 2


def test_an_exact_mask_is_taken_as_it_is_and_a_hint_is_not(session):
    prompt = disk(4)
    session.add_prompt(1, prompt)
    assert np.array_equal(session.mask(1, 4), prompt.mask)
    session.add_prompt(2, MaskPrompt(4, prompt.mask, refine=True))
    hinted = session.mask(2, 4)
    assert not np.array_equal(hinted, prompt.mask)
    session.refine(2, 4)
    assert not np.array_equal(session.mask(2, 4), hinted), (
        "asked again, it starts from its own result"
    )


def test_an_empty_exact_mask_says_that_the_object_is_not_there(session):
    update = session.add_prompt(1, MaskPrompt(4, np.zeros((64, 80), bool)))
    assert update.scores.area == 0
    assert update.scores.object_score < 0


def test_clicks_after_a_mask_correct_it(session):
    session.add_prompt(1, disk(4))
    session.add_prompt(1, Point(4, (30, 50)))
    assert len(session.prompts(1)[4]) == 2
    session.add_prompt(1, disk(4, radius=5))
    assert len(session.prompts(1)[4]) == 1, "a new mask takes the place of earlier prompts"
    assert session.mask(1, 4).sum() == disk(4, radius=5).mask.sum()


def test_removing_a_prompt_decodes_the_others_anew(session, stack, model):
    negative = Point(4, (10, 70), positive=False)
    session.add_prompt(1, CLICK)
    alone = session.mask(1, 4)
    session.add_prompt(1, negative)
    session.remove_prompts(1, 4, negative)
    assert np.array_equal(session.mask(1, 4), alone)
    with pytest.raises(PromptError, match="no such prompt on frame 4"):
        session.remove_prompts(1, 4, negative)


def test_removing_the_last_prompt_takes_all_masks_away(session):
    session.add_prompt(1, CLICK)
    list(session.propagate())
    session.remove_prompts(1, 4)
    assert not session.labels.any()
    assert session.pending(1) == []


def test_candidates_can_be_chosen_and_the_memory_follows(session):
    session.add_prompt(1, CLICK)
    three = session.candidates(1, 4)
    best = int(np.argmax([c.iou_score for c in three]))
    assert [c.chosen for c in three] == [i == best for i in range(3)]
    assert np.array_equal(three[best].mask, session.mask(1, 4))
    list(session.propagate(frames=[5]))
    followed = session.logits(1, 5)
    other = (best + 1) % 3
    session.choose(1, 4, other)
    assert np.array_equal(session.mask(1, 4), three[other].mask)
    assert 5 in session.pending(1)
    list(session.propagate(frames=[5]))
    assert not np.allclose(session.logits(1, 5), followed)
    with pytest.raises(SessionError, match="candidate 3 does not exist; choose 0, 1 or 2"):
        session.choose(1, 4, 3)


def test_candidates_are_made_again_when_they_left_the_cache(stack, model):
    session = Session(stack, model, caches=CacheSizes(embeddings=0, memories=0, logits=0, disk=0))
    session.add_prompt(1, CLICK)
    masks = [c.mask for c in session.candidates(1, 4)]
    kept = Session(stack, model)
    kept.add_prompt(1, CLICK)
    expected = [c.mask for c in kept.candidates(1, 4)]
    assert np.array_equal(masks, expected)


def test_objects_tracked_together_are_as_those_tracked_alone(stack, model):
    prompts = {1: Point(4, (30, 25)), 2: Point(2, (40, 60)), 3: Box(6, (30, 50), (50, 70))}
    together = Session(stack, model, stop_rule=None)
    for i, prompt in prompts.items():
        together.add_prompt(i, prompt)
    list(together.propagate())
    for i, prompt in prompts.items():
        alone = Session(stack, model, stop_rule=None)
        alone.add_prompt(i, prompt)
        list(alone.propagate())
        for f in range(10):
            np.testing.assert_allclose(
                together.logits(i, f), alone.logits(i, f), rtol=1e-3, atol=2e-3
            )


def test_what_left_the_cache_is_made_again(session, stack, model):
    """Only logits are kept: embeddings and memories are made again, with the same result."""
    small = Session(stack, model, stop_rule=None, caches=CacheSizes(0, 0, 2**26, 0))
    for s in (session, small):
        s.add_prompt(1, CLICK)
        list(s.propagate())
        s.add_prompt(1, Point(7, (36, 39)))
        list(s.propagate())
    for f in range(10):
        np.testing.assert_allclose(small.logits(1, f), session.logits(1, f), rtol=1e-3, atol=2e-3)


def test_spilled_to_disk_is_the_same(session, stack, model):
    small = Session(stack, model, stop_rule=None, caches=CacheSizes(2**18, 2**20, 2**14, 2**28))
    for s in (session, small):
        s.add_prompt(1, CLICK)
        list(s.propagate())
    assert small._recall.logits.spilled_bytes > 0
    assert everything(small) == everything(session)


def test_a_second_propagation_encodes_nothing(session, monkeypatch):
    session.add_prompt(1, CLICK)
    list(session.propagate())
    session.add_prompt(1, Point(6, (35, 37)))
    encoded = []
    monkeypatch.setattr(
        type(session.model), "encode_image", lambda *a: encoded.append(a) or pytest.fail("encoded")
    )
    assert {u.frame for u in session.propagate()} == {5, 7, 8, 9}
    assert encoded == []


def test_a_correcting_click_attends_to_no_memory_again(session, monkeypatch):
    session.add_prompt(1, CLICK)
    list(session.propagate())
    monkeypatch.setattr(
        type(session.model), "attend_memory", lambda *a: pytest.fail("attended again")
    )
    session.add_prompt(1, Point(6, (35, 37)))
    session.add_prompt(1, Point(6, (20, 37), positive=False))


def test_the_stop_rule_ends_an_object_and_says_why(stack, model):
    never_present = StopRule(object_score=1e9, absent_frames=2, growth=0)
    session = Session(stack, model, stop_rule=never_present)
    session.add_prompt(1, Point(0, (30, 25)))
    updates = list(session.propagate())
    assert [u.frame for u in updates] == [1, 2]
    assert [u.scores.stopped for u in updates] == ["", "object_score"]
    assert session.pending(1) == []
    assert not session.labels[3:].any()


def test_a_click_on_an_object_finds_it_where_the_model_takes_it_for_absent(stack, model):
    """The last bias of the object score, far down: the network finds nothing anywhere."""
    doubting = copy.deepcopy(model)
    with torch.no_grad():
        doubting.sam_mask_decoder.pred_obj_score_head.layers[-1].bias -= 1000
    session = Session(stack, doubting, stop_rule=None)
    sure = Session(stack, model, stop_rule=None)
    for each in (session, sure):
        first = each.add_prompt(1, Point(4, (30, 25)))
        assert first.scores.object_score > 0
    assert session.mask(1, 4).any()
    assert np.array_equal(session.mask(1, 4), sure.mask(1, 4))
    list(session.propagate())
    assert not session.mask(1, 6).any(), "nobody has shown the object there"
    ghost = session.preview(Point(6, (34, 29)), 1, encode=True)
    session.add_prompt(1, Point(6, (34, 29)))
    assert session.mask(1, 6).any(), "a correction of an empty frame"
    assert np.array_equal(session.mask(1, 6), ghost)
    session.add_prompt(2, Point(4, (60, 75), positive=False))
    assert not session.mask(2, 4).any(), "a negative click does not show an object"


def test_frames_before_a_correction_still_follow_the_first_click(session):
    session.add_prompt(1, Point(1, (30, 25)))
    list(session.propagate())
    session.add_prompt(1, Point(8, (35, 40)))
    list(session.propagate())
    directions = [session._ledger.objects[1].records[f].direction for f in (5, 6, 7, 9)]
    assert directions == [1, 1, 1, 1]


def test_growth_empties_the_mask(stack, model):
    session = Session(stack, model, stop_rule=StopRule(growth=1e-6, growth_area=0, absent_frames=0))
    session.add_prompt(1, Point(0, (30, 25)))
    (update,) = session.propagate()
    assert update.scores.stopped == "growth"
    assert not session.mask(1, 1).any()


def test_a_window_follows_its_object(stack, model):
    session = Session(stack, model, window_side=32, stop_rule=None)
    update = session.add_prompt(1, CLICK)
    y0, x0, y1, x1 = update.window
    assert y0 >= 30 - 17 and y1 <= 30 + 17, "nothing is found outside the window"
    assert x0 >= 25 - 17 and x1 <= 25 + 17
    list(session.propagate())
    outside = session.labels[9, :, :].any(axis=0).nonzero()[0]
    assert outside.size == 0 or np.ptp(outside) <= 32


def test_scores_by_frame(session):
    session.add_prompt(1, CLICK)
    list(session.propagate())
    scores = session.scores(1)
    assert scores.frame.tolist() == list(range(10))
    for name in ("iou_score", "stability_score"):
        values = getattr(scores, name)
        assert ((values >= 0) & (values <= 1)).all()
    areas = [session.mask(1, f).sum() for f in range(10)]
    assert scores.area.tolist() == areas
    a, b = session.mask(1, 5), session.mask(1, 6)
    assert scores.overlap[6] == pytest.approx((a & b).sum() / (a | b).sum())
    assert np.isnan(scores.overlap[4])


def test_ids_above_16_bits_widen_the_labels(session):
    session.add_prompt(1, disk(0))
    assert session.labels.dtype == np.uint16
    session.add_prompt(70000, disk(1))
    assert session.labels.dtype == np.uint32
    assert set(np.unique(session.labels)) == {0, 1, 70000}


@pytest.mark.parametrize(
    ("object_id", "prompts", "message"),
    [
        (0, [CLICK], "object_id 0 is not an object; ids are whole numbers from 1"),
        (1, [], "no prompt was given"),
        (1, [Point(10, (3, 3))], r"frame 10 is outside the stack \(0 to 9\)"),
        (
            1,
            [Point(0, (64, 3))],
            r"point at \(64.0, 3.0\) lies outside the plane of shape \(64, 80\)",
        ),
        (1, [Point(0, (3, 3)), Point(1, (3, 3))], r"prompts on frames \[0, 1\]"),
        (1, [MaskPrompt(0, np.ones((3, 3), bool))], r"mask of shape \(3, 3\) does not fit"),
        (1, [Box(0, (90, 90), (99, 99))], "lies outside the plane"),
        (1, [(3, 3)], "tuple is not a prompt"),
    ],
)
def test_bad_prompts_leave_the_session_as_it_was(session, object_id, prompts, message):
    session.add_prompt(7, CLICK)
    before = everything(session)
    with pytest.raises(PromptError, match=message):
        session.add_prompt(object_id, *prompts)
    assert everything(session) == before
    assert session.object_ids == (7,)


def test_an_error_while_decoding_leaves_the_session_as_it_was(session, monkeypatch):
    session.add_prompt(1, CLICK)
    before = everything(session)
    monkeypatch.setattr(type(session.model), "decode", lambda *a: 1 / 0)
    for object_id in (1, 2):
        with pytest.raises(ZeroDivisionError):
            session.add_prompt(object_id, Point(4, (20, 20)))
    assert everything(session) == before
    assert len(session._ledger.history.done) == 1


def test_errors_name_what_exists(session):
    session.add_prompt(3, CLICK)
    with pytest.raises(SessionError, match=r"object 9 does not exist; there are \[3\]"):
        session.mask(9, 0)
    with pytest.raises(SessionError, match="has no mask on frame 0"):
        session.logits(3, 0)
    with pytest.raises(SessionError, match="direction 'up' is unknown"):
        session.propagate(direction="up")
    with pytest.raises(SessionError, match=r"frame 10 is outside the stack \(0 to 9\)"):
        session.propagate(frames=[10])


def test_a_two_dimensional_array_is_refused_with_the_remedy(model):
    with pytest.raises(SessionError, match=r"shape \(64, 80\) is not \(frame, y, x\)"):
        Session(np.zeros((64, 80), np.uint8), model)


def test_an_object_that_has_ended_stays_so_when_a_propagation_goes_on(stack, model):
    rule = StopRule(object_score=1e9, absent_frames=2, growth=0)
    session = Session(stack, model, stop_rule=rule)
    session.add_prompt(1, Point(0, (30, 25)))
    for _ in range(12):
        run = session.propagate()
        next(run, None)
        run.close()
    assert session.scores(1).frame.tolist() == [0, 1, 2]
    assert session.pending(1) == []


def test_another_model_goes_on_with_the_masks_that_are_there(stack, model):
    session = Session(stack, model)
    session.add_prompt(1, Point(4, (30, 25)))
    before = session.labels.copy()
    with torch.random.fork_rng():
        torch.manual_seed(5)
        other = SAM2(model.config).eval()
    session.use_model(other)
    assert session.model is other
    assert np.array_equal(session.labels, before)
    list(session.propagate(frames=[4, 5]))
    fresh = Session(stack, other)
    fresh.take_mask(1, 4, session.mask(1, 4))
    session.add_prompt(2, Point(7, (30, 25)))
    fresh.add_prompt(2, Point(7, (30, 25)))
    assert np.array_equal(session.mask(2, 7), fresh.mask(2, 7))
    with pytest.raises(SessionError, match="another architecture"):
        session.use_model(SAM2(replace(model.config, feedforward_dim=64)))
    assert session.model is other
