"""Whatever the user does, in whatever order: undo, updates, locks and the journal keep their promises."""

import random
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from napari_sam2 import Point
from napari_sam2.errors import SessionError
from napari_sam2.session import Session

ACTIONS = (
    "mask",
    "mask",
    "click",
    "seeds",
    "labels",
    "plane",
    "merge",
    "split",
    "accept",
    "lock",
    "unlock",
    "rename",
    "remove",
    "remove prompts",
    "propagate",
    "undo",
    "redo",
)
steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 2**16)), max_size=14)


def act(session, action, seed, disk):
    """Do something to some object; SessionError where that is not possible."""
    rng = random.Random(seed)
    ids = session.object_ids or (1,)
    i, frame = rng.choice(ids), rng.randrange(3, 7)
    place = rng.randrange(10, 54), rng.randrange(10, 70)
    new_or_known = rng.choice((i, session.new_object_id()))
    match action:
        case "mask":
            return [session.take_mask(new_or_known, frame, disk(frame, place, 12).mask)]
        case "click":
            return [session.add_prompt(new_or_known, Point(frame, place))]
        case "seeds":
            return session.add_objects(Point(3, place), Point(5, (30, 40)))
        case "labels":
            labels = np.zeros((10, 64, 80), np.uint8)
            labels[3:6, place[0] - 9 : place[0] + 9, place[1] - 9 : place[1] + 9] = 2
            labels[frame, :20, :20] = 5
            labels[5, 50:, :20] = 2
            return session.import_labels(labels)
        case "plane":
            return session.import_labels(disk(frame, place).mask, frame)
        case "merge":
            return session.merge(rng.sample(ids, min(2, len(ids))))
        case "split":
            there = np.argwhere(session.mask(i, frame))
            yx = tuple(there[rng.randrange(len(there))]) if len(there) else place
            return session.split(i, frame, yx)[1]
        case "accept":
            return [session.accept(i, frame)]
        case "lock":
            return session.lock(i)
        case "unlock":
            return session.unlock(i) or []
        case "rename":
            return session.rename(i, f"cell {seed}") or []
        case "remove":
            return session.remove_object(i)
        case "remove prompts":
            return session.remove_prompts(i, min(session.prompts(i), default=0))
        case "propagate":
            run = session.propagate(frames=range(2, 8))
            updates = [u for u, _ in zip(run, range(rng.randrange(1, 9)), strict=False)]
            run.close()
            return updates
        case "undo":
            return session.undo()
        case "redo":
            return session.redo()


def invariants(session):
    """Pixels belong to objects that claim them, and nobody claims what a locked object has."""
    for f in range(2, 8):
        masks = {i: session.mask(i, f) for i in session.object_ids}
        for i, mask in masks.items():
            shown = session.labels[f] == i
            assert not (shown & ~mask).any()
            if session.is_locked(i):
                assert np.array_equal(shown, mask)
        union = np.any(list(masks.values()), axis=0) if masks else False
        assert np.array_equal(session.labels[f] > 0, np.broadcast_to(union, (64, 80)))


@given(steps)
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
def test_any_actions(stack, model, everything, disk, repaint, actions):
    with tempfile.TemporaryDirectory() as folder:
        session = Session(stack, model, stop_rule=None)
        session.start_journal(Path(folder) / "journal")
        shown = session.labels.copy()
        states = [everything(session)]
        for action, seed in actions:
            before, history = everything(session), len(session._ledger.history.done)
            locked = {i: session.labels == i for i in session.object_ids if session.is_locked(i)}
            try:
                updates = act(session, action, seed, disk)
            except SessionError:
                assert everything(session) == before
                continue
            if (
                action == "propagate"
            ):  # stopped within a step: what is done stays, unseen updates too
                shown, updates = session.labels.copy(), []
            assert np.array_equal(repaint(shown, updates), session.labels)
            invariants(session)
            if action in ("undo", "redo"):
                expected = history + (1 if action == "redo" else -1)
                expected = min(max(expected, 0), len(states) - 1)
                assert everything(session) == states[expected]
                continue
            for i, pixels in locked.items():
                assert np.array_equal(session.labels == i, pixels)
            done = len(session._ledger.history.done)
            if done > history:
                states[done:] = [everything(session)]
        session.stop_journal()
        recovered = Session.recover(Path(folder) / "journal", stack, model)
        assert everything(recovered) == everything(session)
        assert recovered.new_object_id() == session.new_object_id()
        recovered.stop_journal()
        again = Session.recover(Path(folder) / "journal", stack, model)
        assert everything(again) == everything(session), "also from what was written anew"
        again.stop_journal()
        while session.can_undo:
            session.undo()
        assert everything(session) == states[0]
