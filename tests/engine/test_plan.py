"""The order of tracking."""

import pytest

from napari_sam2.engine.plan import Step, Task, plan_propagation


def frames(steps):
    return [step.frame for step in steps]


def test_both_visits_nearest_frames_first_and_meets_in_the_middle():
    #  0 1 2 3 4 5 6 7 8      P: prompted
    #    P         P
    steps = plan_propagation({1: [1, 6]}, {1: [0, 2, 3, 4, 5, 7, 8]}, "both", 100)
    assert frames(steps) == [0, 2, 5, 7, 3, 4, 8]
    sources = {s.frame: (s.tasks[0].source, s.tasks[0].direction) for s in steps}
    assert sources == {
        0: (1, -1),
        2: (1, 1),
        3: (1, 1),
        4: (6, -1),
        5: (6, -1),
        7: (6, 1),
        8: (6, 1),
    }


def test_the_pass_of_a_first_click_goes_through_corrections():
    #  0 1 2 3 4 5 6 7 8 9     P: clicked, C: corrected
    #    P     C     C   P
    pending = {1: [0, 2, 3, 5, 6, 8]}
    steps = plan_propagation({1: [1, 4, 7, 9]}, pending, "both", 100, {1: {4, 7}})
    passes = {t.frame: (t.tasks[0].since, t.tasks[0].source, t.tasks[0].direction) for t in steps}
    assert passes == {
        0: (1, 1, -1),
        2: (1, 1, 1),
        3: (1, 1, 1),
        5: (1, 4, 1),
        6: (9, 7, -1),
        8: (9, 9, -1),
    }
    assert frames(steps) == [0, 2, 8, 3, 6, 5], "what a frame is found with has been found before"
    backward = plan_propagation({1: [1, 4]}, {1: [2, 3]}, "backward", 100, {1: {4}})
    assert [s.tasks[0].source for s in backward] == [4, 4], "a direction that was asked for is kept"


def test_where_every_first_click_was_taken_back_corrections_begin_passes():
    (step,) = plan_propagation({1: [4, 7]}, {1: [5]}, "both", 100, {1: {4, 7}})
    assert step.tasks == (Task(1, 4, 1, 4),)


def test_forward_is_one_pass_from_the_first_prompted_frame():
    steps = plan_propagation({1: [2, 5]}, {1: [0, 1, 3, 4, 6]}, "forward", 100)
    assert frames(steps) == [3, 4, 6]
    assert [s.tasks[0].source for s in steps] == [2, 2, 5]
    assert all(s.tasks[0].since is None for s in steps)


def test_backward_is_one_pass_from_the_last_prompted_frame():
    steps = plan_propagation({1: [2, 5]}, {1: [0, 1, 3, 4, 6]}, "backward", 100)
    assert frames(steps) == [4, 3, 1, 0]
    assert [s.tasks[0].direction for s in steps] == [-1] * 4


def test_objects_of_one_frame_are_one_step():
    steps = plan_propagation({1: [0], 2: [0], 3: [2]}, {i: [1] for i in (1, 2, 3)}, "both", 100)
    tasks = (Task(1, 0, 1, 0), Task(2, 0, 1, 0), Task(3, 2, -1, 2))
    assert steps == [Step(1, tasks)]


@pytest.mark.parametrize(("kept", "visits"), [(50, 50), (49, 30)])
def test_a_cache_too_small_to_come_back_makes_two_sweeps(kept, visits):
    """Two objects prompted at both ends: every frame is visited twice, or, in sweeps, once per direction at most."""
    n = 50
    pending = {1: [f for f in range(n) if f != 0], 2: [f for f in range(n) if f != 30]}
    steps = plan_propagation({1: [0], 2: [30]}, pending, "both", kept)
    per_frame = {f: frames(steps).count(f) for f in range(n)}
    assert max(per_frame.values()) <= 2
    if kept < n:
        forward = [s.frame for s in steps if s.tasks[0].direction > 0]
        assert forward == sorted(forward), "the first sweep goes forwards"


def test_objects_without_prompts_are_left_out():
    assert plan_propagation({1: []}, {1: [0, 1]}, "both", 10) == []
