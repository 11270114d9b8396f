"""Objects are added, joined, split, imported, named and locked; what is shown changes only where it was asked for."""

import numpy as np
import pytest

from napari_sam2 import MaskPrompt, Point
from napari_sam2.errors import PromptError, SessionError
from napari_sam2.session import Session


@pytest.fixture
def two(session, disk):
    """Two disks that overlap on frame 4, the second one also on frame 5."""
    session.add_prompt(1, disk(4, (30, 25)))
    session.add_prompt(2, disk(4, (30, 38)))
    session.add_prompt(2, disk(5, (30, 38)))
    return session


def bars(*frames):
    """Labels of 10 frames; each argument is (frame, label, x0, x1)."""
    labels = np.zeros((10, 64, 80), np.int32)
    for frame, label, x0, x1 in frames:
        labels[frame, 20:40, x0:x1] = label
    return labels


# add_objects


def test_seeds_become_objects_in_one_action(session, everything, repaint):
    session.add_prompt(7, Point(1, (30, 25)))
    before, shown = everything(session), session.labels.copy()
    seeds = [Point(4, (30, 25)), Point(6, (40, 60)), Point(4, (10, 70))]
    updates = session.add_objects(*seeds)
    assert [(u.object_id, u.frame) for u in updates] == [(8, 4), (9, 6), (10, 4)]
    assert session.prompts(9) == {6: (seeds[1],)}
    assert np.array_equal(repaint(shown, updates), session.labels)
    assert session.can_undo == "add objects"
    session.undo()
    assert everything(session) == before
    assert session.new_object_id() == 11, "ids are not used again"


@pytest.mark.parametrize(
    ("seeds", "message"),
    [([], "no prompt was given"), ([Point(0, (3, 3)), Point(3, (64, 3))], "outside the plane")],
)
def test_all_seeds_or_none(session, everything, seeds, message):
    before = everything(session)
    with pytest.raises(PromptError, match=message):
        session.add_objects(*seeds)
    assert everything(session) == before
    assert session.can_undo == ""
    assert session.new_object_id() == 1


def test_an_error_in_the_middle_of_the_seeds_leaves_none(session, everything, monkeypatch):
    before = everything(session)
    decode, calls = session._decoder.decode, []

    def fails_at_third(*args):
        calls.append(args)
        return decode(*args) if len(calls) < 3 else 1 / 0

    monkeypatch.setattr(session._decoder, "decode", fails_at_third)
    with pytest.raises(ZeroDivisionError):
        session.add_objects(*(Point(f, (30, 25)) for f in range(4)))
    assert everything(session) == before
    assert session.new_object_id() == 1


# merge


def test_merge_changes_the_id_and_nothing_else(two, everything, repaint):
    two.add_prompt(5, MaskPrompt(4, np.pad(np.ones((20, 40), bool), ((22, 22), (30, 10)))))
    before, labels = everything(two), two.labels.copy()
    updates = two.merge([2, 1])
    assert two.object_ids == (1, 5)
    assert np.array_equal(two.labels, np.where(labels == 2, 1, labels))
    assert np.array_equal(repaint(labels, updates), two.labels)
    assert two.can_undo == "merge objects"
    two.undo()
    assert everything(two) == before


def test_a_merged_object_keeps_its_prompts_and_can_be_propagated(two):
    mask = two.mask(2, 5)
    two.merge([1, 2])
    assert sorted(two.prompts(1)) == [4, 5]
    assert np.array_equal(two.mask(1, 5), mask)
    assert np.array_equal(two.prompts(1)[4][0].mask, two.mask(1, 4))
    assert two.pending(1) == [0, 1, 2, 3, 6, 7, 8, 9]
    assert {u.frame for u in two.propagate()} == {0, 1, 2, 3, 6, 7, 8, 9}


def test_frames_that_were_tracked_for_both_stay_so(session):
    session.import_labels(bars((2, 1, 5, 15), (3, 1, 5, 15), (3, 2, 30, 40), (4, 2, 30, 41)))
    session.rename(2, "left")
    session.merge([1, 2])
    assert session.pending(1) == []
    assert sorted(session.prompts(1)) == [2, 4]
    assert session.scores(1).area.tolist() == [200, 400, 220]
    assert session.name(1) == "left"


@pytest.mark.parametrize(
    ("ids", "message"),
    [([1], r"objects \[1\] can't be merged; give two or more ids"), ([1, 9], "object 9 does not")],
)
def test_merge_needs_two_objects(two, ids, message):
    with pytest.raises(SessionError, match=message):
        two.merge(ids)


# split


def test_split_takes_the_part_that_hangs_together_over_frames(session, everything, repaint):
    # frame 3: aa  bb    frame 4: aa b    frame 5: aaaa   (the part at x = 5 stands alone after frame 6)
    labels = bars((3, 1, 5, 15), (3, 1, 30, 40), (4, 1, 5, 15), (6, 1, 5, 15), (7, 1, 5, 15))
    session.import_labels(labels)
    before, shown = everything(session), session.labels.copy()
    new_id, updates = session.split(1, 4, (30.0, 8.0))
    assert new_id == 2
    expected = labels.copy()
    expected[3:5, :, 5:15][labels[3:5, :, 5:15] == 1] = 2
    assert np.array_equal(session.labels, expected)
    assert np.array_equal(repaint(shown, updates), expected)
    assert session.pending(1) == session.pending(2) == [], "both are known on every frame"
    assert all(session.prompts(i) for i in (1, 2))
    session.undo()
    assert everything(session) == before
    session.redo()
    assert np.array_equal(session.labels, expected)


def test_parts_touch_across_frames_only_where_pixels_lie_over_one_another(session):
    session.import_labels(bars((3, 1, 5, 15), (4, 1, 14, 25), (5, 1, 25, 30), (5, 1, 40, 50)))
    session.split(1, 3, (30, 5))
    assert session.scores(2).frame.tolist() == [3, 4]
    assert session.scores(1).frame.tolist() == [5]


def test_merge_then_split_gives_the_pixels_back(session):
    session.import_labels(bars((2, 1, 5, 15), (3, 1, 5, 15), (3, 2, 30, 40), (4, 2, 30, 40)))
    labels = session.labels.copy()
    session.merge([1, 2])
    session.split(1, 3, (30, 35))
    assert np.array_equal(session.labels, np.where(labels == 2, 3, labels))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ((3, (30, 7)), "has one connected part only"),
        ((3, (0, 0)), r"object 1 has no pixel at \(0, 0\) on frame 3"),
        ((3, (-9, 999)), "has no pixel at"),
        ((5, (30, 7)), "has no pixel at"),
        ((10, (30, 7)), "frame 10 is outside the stack"),
    ],
)
def test_what_cannot_be_split_is_said(session, everything, place, message):
    session.import_labels(bars((3, 1, 5, 15)))
    before = everything(session)
    with pytest.raises(SessionError, match=message):
        session.split(1, *place)
    assert everything(session) == before
    assert session.new_object_id() == 2


# import_labels


def test_labels_become_objects_with_their_values(session, everything, monkeypatch):
    monkeypatch.setattr(type(session.model), "encode_image", lambda *a: pytest.fail("encoded"))
    before = everything(session)
    labels = bars((3, 4, 5, 15), (4, 4, 5, 17), (5, 4, 5, 12), (4, 70000, 30, 40))
    updates = session.import_labels(labels)
    assert {(u.object_id, u.frame) for u in updates} == {(4, 3), (4, 4), (4, 5), (70000, 4)}
    assert np.array_equal(session.labels, labels)
    assert list(session.prompts(4)) == [4], "where it is largest"
    assert session.pending(4) == []
    assert session.scores(4).overlap[[0, 2]] == pytest.approx([10 / 12, 7 / 12])
    assert session.new_object_id() == 70001
    session.undo()
    assert everything(session) == before


def test_values_that_were_used_get_new_ids(session, disk):
    session.add_prompt(3, disk(0))
    session.import_labels(bars((3, 2, 5, 15), (3, 3, 20, 30), (3, 8, 40, 50)))
    assert session.object_ids == (3, 8, 9, 10)
    assert session.labels[3, 30, [5, 20, 40]].tolist() == [9, 10, 8]


def test_one_plane_is_a_start_for_propagation(session):
    session.import_labels(bars((3, 1, 18, 32))[3], frame=4)
    assert session.pending(1) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert len(list(session.propagate(frames=[3, 5]))) == 2


def test_frames_that_the_labels_do_not_tell_of_can_be_propagated_to(session):
    labels = bars((3, 1, 18, 32), (5, 1, 18, 30), (5, 2, 50, 60))
    session.import_labels(labels, known={1: [3, 4, 5], 2: [5]})
    assert session.pending(1) == [0, 1, 2, 6, 7, 8, 9]
    assert session.pending(2) == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    session.accept(1, 4)  # known to be absent
    assert not session.mask(1, 4).any()
    assert {u.object_id for u in session.propagate(frames=[4])} == {2}


def test_imported_objects_can_be_refined(session):
    session.import_labels(bars(*((f, 1, 18, 32) for f in range(10))))
    session.add_prompt(1, Point(7, (30, 50)))
    assert session.pending(1) == [1, 2, 3, 4, 5, 6, 8, 9]
    assert len(list(session.propagate())) == 8


def test_imported_objects_have_windows(stack, model):
    session = Session(stack, model, window_side=32, stop_rule=None)
    session.import_labels(bars((3, 1, 10, 70), (4, 1, 10, 30), (5, 2, 70, 80)))
    session.add_prompt(1, Point(4, (30, 50)))
    session.add_prompt(2, Point(5, (30, 72)))
    list(session.propagate())


@pytest.mark.parametrize(
    ("labels", "frame", "message"),
    [
        (np.zeros((9, 64, 80), int), None, r"shape \(9, 64, 80\) do not fit the stack"),
        (
            np.zeros((10, 64, 80), int),
            3,
            r"must be \(64, 80\), \(y, x\), because a frame was given",
        ),
        (np.zeros((10, 64, 80)), None, "labels of type float64 are not labels"),
        (np.zeros((10, 64, 80), int), None, "the labels are empty"),
        (np.full((10, 64, 80), -1), None, "label -1 can't be the id of an object"),
        (np.ones((64, 80), int), 10, "frame 10 is outside the stack"),
    ],
)
def test_labels_that_do_not_fit(session, everything, labels, frame, message):
    before = everything(session)
    with pytest.raises(SessionError, match=message):
        session.import_labels(labels, frame)
    assert everything(session) == before


# masks by hand, names, locks


def test_a_painted_mask_is_taken_as_it_is(session, disk):
    update = session.take_mask(1, 4, disk(4).mask)
    assert np.array_equal(session.mask(1, 4), disk(4).mask)
    assert update.scores.area == disk(4).mask.sum()
    with pytest.raises(PromptError, match=r"mask of shape \(3, 3\) does not fit"):
        session.take_mask(1, 4, np.ones((3, 3), bool))


def test_names_are_undone(session, disk):
    session.add_prompt(1, disk(4))
    assert session.name(1) == ""
    session.rename(1, "Golgi")
    session.rename(1, "Golgi")
    session.rename(1, "nucleus")
    assert session.undo() == []
    assert session.name(1) == "Golgi"
    session.undo()
    assert session.name(1) == "", "the same name twice is nothing to undo"
    session.redo()
    assert session.name(1) == "Golgi"


def test_a_locked_object_refuses_every_change(two, everything):
    two.lock(1)
    before = everything(two)
    for change in (
        lambda: two.add_prompt(1, Point(4, (30, 20))),
        lambda: two.remove_prompts(1, 4),
        lambda: two.refine(1, 4),
        lambda: two.choose(1, 4, 0),
        lambda: two.accept(1, 4),
        lambda: two.take_mask(1, 4, np.ones((64, 80), bool)),
        lambda: two.remove_object(1),
        lambda: two.merge([1, 2]),
        lambda: two.split(1, 4, (30, 25)),
        lambda: two.propagate([1]),
    ):
        with pytest.raises(SessionError, match="object 1 is locked, so it is not changed; unlock"):
            change()
    assert everything(two) == before
    assert {u.object_id for u in two.propagate(frames=range(3, 7))} == {2}
    two.unlock(1)
    two.add_prompt(1, Point(4, (30, 20)))


def test_locking_and_unlocking_move_no_pixel(two, everything, repaint):
    before, labels = everything(two), two.labels.copy()
    assert (two.mask(1, 4) & two.mask(2, 4)).any()
    updates = two.lock(1)
    assert np.array_equal(two.labels, labels)
    assert np.array_equal(repaint(labels.copy(), updates), labels)
    assert not (two.mask(1, 4) & two.mask(2, 4)).any()
    two.unlock(1)
    assert np.array_equal(two.labels, labels)
    for _ in range(2):
        two.undo()
    assert everything(two) == before


@pytest.mark.parametrize("overlap", ["higher_logit", "first", "newest"])
def test_pixels_of_a_locked_object_are_never_given_away(stack, model, disk, overlap):
    session = Session(stack, model, stop_rule=None, overlap=overlap)
    session.add_prompt(2, disk(4, (30, 30)))
    list(session.propagate(frames=[3, 5]))
    session.lock(2)
    held = session.labels == 2
    session.add_prompt(1, MaskPrompt(4, np.ones((64, 80), bool)))
    session.import_labels(np.ones((64, 80), int), frame=5)
    session.add_prompt(4, Point(3, (30, 30)))
    list(session.propagate())
    assert np.array_equal(session.labels == 2, held)
    session.unlock(2)
    assert np.array_equal(session.labels == 2, held), "unlocking alone changes nothing"
