"""Encoding ahead, and the ghost of a click."""

import numpy as np
import pytest
import torch

from napari_sam2 import Point
from napari_sam2.engine import inference
from napari_sam2.errors import PromptError, SessionError
from napari_sam2.model.network import SAM2
from napari_sam2.session import CacheSizes, Session

CLICK = Point(4, (30, 25))


def test_planes_are_encoded_once(session, monkeypatch):
    assert session.encode(3)
    assert not session.encode(3)
    assert session.encoded_frames().tolist() == [f == 3 for f in range(10)]
    assert session.encodings_kept >= 10
    encode, seen = inference.encode_views, []
    monkeypatch.setattr(
        inference, "encode_views", lambda m, v, p: seen.extend(v) or encode(m, v, p)
    )
    session.add_prompt(1, Point(3, (30, 25)))
    assert [view.mirrored for view in seen] == [True], (
        "the mirror image is encoded when it is asked for"
    )
    with pytest.raises(SessionError, match="frame 10 is outside the stack"):
        session.encode(10)


def test_what_left_the_cache_is_not_encoded(stack, model):
    session = Session(stack, model, caches=CacheSizes(embeddings=0, disk=0))
    assert session.encode(3)
    assert not session.encoded_frames().any()
    assert session.encodings_kept == 0


def test_where_windows_follow_objects_nothing_is_encoded_ahead(stack, model):
    session = Session(stack, model, window_side=32)
    assert not session.encode(3)
    assert not session.encoded_frames().any()
    assert session.preview(CLICK) is None
    session.add_prompt(1, CLICK)
    assert session.preview(Point(4, (31, 26)), 1) is not None


def test_a_preview_is_what_the_click_gives(session, everything):
    assert session.preview(CLICK) is None, "not encoded yet"
    session.encode(4)
    before = everything(session)
    ghost = session.preview(CLICK)
    assert everything(session) == before
    assert session.revision == 0
    session.add_prompt(1, CLICK)
    assert np.array_equal(ghost, session.mask(1, 4))


@pytest.mark.parametrize("tracked", [False, True])
def test_a_preview_of_a_correction_is_what_the_click_gives(session, everything, tracked):
    session.add_prompt(1, CLICK)
    list(session.propagate())
    click = Point(6 if tracked else 4, (10, 70), positive=False)
    before = everything(session)
    ghost = session.preview(click, 1)
    other = session.preview(click)
    assert everything(session) == before
    session.add_prompt(1, click)
    assert np.array_equal(ghost, session.mask(1, click.frame))
    assert not np.array_equal(ghost, other)


def test_a_preview_costs_a_decoding_of_each_view_and_leaves_the_caches_alone(session, monkeypatch):
    session.add_prompt(1, CLICK)
    list(session.propagate())
    session._recall.conditioned.clear()
    candidates = [c.mask for c in session.candidates(1, 4)]
    kept = [len(c) for c in (session._recall.logits, session._recall.memories)]
    net, decode, calls = type(session.model), type(session.model).decode, []
    monkeypatch.setattr(net, "encode_image", lambda *a: pytest.fail("encoded"))
    monkeypatch.setattr(net, "attend_memory", lambda *a: pytest.fail("attended"))
    monkeypatch.setattr(net, "decode", lambda *a: calls.append(a) or decode(*a))
    for frame in (4, 6):
        assert session.preview(Point(frame, (33, 30)), 1) is not None
    assert len(calls) == 3, "the clicked frame and its mirror image, and the tracked frame"
    assert [len(c) for c in (session._recall.logits, session._recall.memories)] == kept
    assert len(session._recall.conditioned) == 0
    assert np.array_equal(candidates, [c.mask for c in session.candidates(1, 4)])


def test_a_preview_does_not_end_a_propagation(session):
    session.add_prompt(1, CLICK)
    run = session.propagate()
    next(run)
    assert session.preview(Point(4, (40, 60))) is not None
    session.encode(9)
    assert len(list(run)) == 8


def test_a_preview_respects_locks(session, disk):
    session.add_prompt(1, disk(4))
    session.lock(1)
    assert session.preview(CLICK, 1) is None
    assert not (session.preview(CLICK) & disk(4).mask).any()


def test_a_preview_outside_is_refused(session):
    with pytest.raises(PromptError, match="lies outside the plane"):
        session.preview(Point(4, (64, 3)))


@pytest.mark.parametrize("diameters", [0.0, 3.0])
def test_a_click_where_a_preview_was_asks_the_network_nothing(
    stack, model, everything, monkeypatch, diameters
):
    options = {"window_side": 64, "window_diameters": diameters}
    plain, foreseen = Session(stack, model, **options), Session(stack, model, **options)
    plain.add_prompt(1, CLICK)
    ghost = foreseen.preview(CLICK, encode=True)
    with monkeypatch.context() as patch:
        for name in ("encode_image", "decode"):
            patch.setattr(type(model), name, lambda *a: pytest.fail("asked"))
        foreseen.add_prompt(1, CLICK)
    assert np.array_equal(foreseen.mask(1, 4), ghost)
    masks = [[update.mask for update in each.propagate()] for each in (plain, foreseen)]
    assert all(np.array_equal(a, b) for a, b in zip(*masks, strict=True))
    assert np.array_equal(plain.labels, foreseen.labels)
    assert np.array_equal(plain.logits(1, 4), foreseen.logits(1, 4))


def test_a_preview_is_not_taken_for_another_question(session):
    session.encode(4)
    session.add_prompt(1, CLICK)
    session.preview(Point(4, (34, 30), positive=False), 1)
    session.add_prompt(2, Point(4, (34, 30), positive=False))  # of an object without a mask
    session.undo()
    other = session.mask(1, 4)
    session.choose(1, 4, 1)
    session.add_prompt(1, Point(4, (34, 30), positive=False))  # from other logits
    chosen = session.mask(1, 4)
    fresh = Session(session.stack, session.model)
    fresh.add_prompt(1, CLICK)
    assert np.array_equal(fresh.mask(1, 4), other)
    fresh.choose(1, 4, 1)
    fresh.add_prompt(1, Point(4, (34, 30), positive=False))
    assert np.array_equal(fresh.mask(1, 4), chosen)


def test_what_was_foreseen_is_forgotten_with_the_network(stack, model):
    with torch.random.fork_rng():
        torch.manual_seed(7)
        other = SAM2(model.config).eval()
    session, fresh = Session(stack, model), Session(stack, other)
    assert session.preview(CLICK, encode=True) is not None
    session.use_model(other)
    for each in (session, fresh):
        each.add_prompt(1, CLICK)
    assert np.array_equal(session.mask(1, 4), fresh.mask(1, 4))
